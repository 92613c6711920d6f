import { Job, type Infer } from 'resque-runtime'
import { z } from 'zod'

/** Its document's id comes from the task's own params. */
export class FetchDoc extends Job {
  static input = z.object({ doc_id: z.string() })
  static output = z.object({ text: z.string() })

  async perform({ doc_id }: Infer<typeof FetchDoc.input>) {
    return { text: `the text of document ${doc_id}` }
  }
}

/** `text` comes from the memory, where FetchDoc left it; `factor` from the schema's default. */
export class CountWords extends Job {
  static input = z.object({ text: z.string(), factor: z.number().default(1) })
  static output = z.object({ text: z.string(), words: z.number() })

  async perform({ text, factor }: Infer<typeof CountWords.input>) {
    const counted = ((await this.memory.get('counted')) as number | undefined) ?? 0
    await this.memory.set('counted', counted + 1)
    await this.memory.extendTtl('10m')
    return { text: text.toUpperCase(), words: text.split(' ').length * factor }
  }
}
