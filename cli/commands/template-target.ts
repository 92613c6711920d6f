import { didYouMean } from '../../config/did-you-mean.ts'
import type { Registry } from '../../runtime/jobs/registry.ts'
import { appDefaults, defaultsFile } from '../../runtime/workflow/templates/template-defaults.ts'
import type { Template } from '../../runtime/workflow/templates/template.ts'
import { named } from '../named.ts'

/** A template and the file that exports it. */
export interface FoundTemplate {
  template: Template
  file: string
}

/** The application's templates, by name. */
export function templatesOf(registry: Registry): FoundTemplate[] {
  return registry
    .list()
    .flatMap(({ kind, definition, file }) => (kind === 'template' ? [{ template: definition as Template, file }] : []))
}

/** A template by its name. @throws RuntimeError ERR_TEMPLATE that names those there are */
export function templateNamed(registry: Registry, name: string): FoundTemplate {
  const { definition, file } = named(registry, 'template', name)
  return { template: definition as Template, file }
}

/** Names in the file of defaults that no template has: most likely misspelt. */
export function unknownDefaults(registry: Registry, root: string): string[] {
  const names = templatesOf(registry).map(({ template }) => template.name)
  return Object.keys(appDefaults(root)).flatMap((name) =>
    names.includes(name) ? [] : [`${defaultsFile}: ${name}: expected the name of a template${didYouMean(name, names)}`],
  )
}
