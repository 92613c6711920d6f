import ts from 'typescript'

/** One small change of a source file that a good test notices. */
export interface Mutant {
  /** Line, counted from one. */
  line: number
  /** `a < b → a <= b` */
  what: string
  /** The whole file with the change. */
  text: string
}

const operators: Partial<Record<ts.SyntaxKind, string>> = {
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: '!==',
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: '===',
  [ts.SyntaxKind.LessThanToken]: '<=',
  [ts.SyntaxKind.LessThanEqualsToken]: '<',
  [ts.SyntaxKind.GreaterThanToken]: '>=',
  [ts.SyntaxKind.GreaterThanEqualsToken]: '>',
  [ts.SyntaxKind.PlusToken]: '-',
  [ts.SyntaxKind.MinusToken]: '+',
  [ts.SyntaxKind.AsteriskToken]: '/',
  [ts.SyntaxKind.SlashToken]: '*',
  [ts.SyntaxKind.AmpersandAmpersandToken]: '||',
  [ts.SyntaxKind.BarBarToken]: '&&',
}

/**
 * The mutants of a TypeScript file: another operator, a condition that always or never holds, a negation left out, nothing
 * returned, a call left out, another number, true for false. Texts are left alone: the messages of errors are.
 */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []
  const put = (node: ts.Node, by: string): void => {
    const [start, end] = [node.getStart(source), node.getEnd()]
    const line = source.getLineAndCharacterOfPosition(start).line + 1
    const shown = (part: string): string => (part.length > 70 ? `${part.slice(0, 70)}…` : part).replace(/\s+/g, ' ')
    mutants.push({
      line,
      what: `${shown(text.slice(start, end))} → ${shown(by)}`,
      text: text.slice(0, start) + by + text.slice(end),
    })
  }
  const visit = (node: ts.Node): void => {
    if (
      ts.isTypeNode(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isImportDeclaration(node)
    )
      return
    if (ts.isBinaryExpression(node)) {
      const by = operators[node.operatorToken.kind]
      const [left, right] = [node.left.getText(source), node.right.getText(source)]
      if (by !== undefined && !isText(node.left) && !isText(node.right)) put(node, `(${left} ${by} ${right})`)
      if (node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) put(node, `(${left})`)
    } else if (ts.isIfStatement(node) || ts.isConditionalExpression(node)) {
      const condition = ts.isIfStatement(node) ? node.expression : node.condition
      put(condition, 'true')
      put(condition, 'false')
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      put(node, node.operand.getText(source))
    } else if (ts.isReturnStatement(node) && node.expression && node.expression.getText(source) !== 'undefined') {
      put(node, 'return undefined as never')
    } else if (ts.isExpressionStatement(node) && isCall(node.expression)) {
      put(node, ';')
    } else if (ts.isNumericLiteral(node) && !ts.isPropertyAssignment(node.parent)) {
      put(node, node.text === '0' ? '1' : `(${node.text} + 1)`)
    } else if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) {
      put(node, node.kind === ts.SyntaxKind.TrueKeyword ? 'false' : 'true')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return mutants
}

const isText = (node: ts.Node): boolean => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)

function isCall(node: ts.Expression): boolean {
  const inner = ts.isAwaitExpression(node) || ts.isVoidExpression(node) ? node.expression : node
  return ts.isCallExpression(inner) && inner.expression.kind !== ts.SyntaxKind.SuperKeyword
}

/** The mutants of a Lua script: another comparison, `and` for `or`, a condition turned round, another number, a call left out. */
export function luaMutantsOf(text: string): Mutant[] {
  const changes: [from: RegExp, by: (all: string) => string][] = [
    [
      /==|~=|<=|>=|(?<![<>=~])[<>](?!=)/g,
      (all) => ({ '==': '~=', '~=': '==', '<=': '<', '>=': '>', '<': '<=', '>': '>=' })[all] ?? all,
    ],
    [/\b(and|or)\b/g, (all) => (all === 'and' ? 'or' : 'and')],
    [/(?<=\b(?:if|elseif) ).+?(?= then)/g, (all) => `not (${all})`],
    [/(?<=[-+] |[,(] )\d+\b/g, (all) => String(Number(all) + 1)],
    [/^ *redis\.p?call\(.*\)$/gm, () => ''],
    [/\b(true|false)\b/g, (all) => (all === 'true' ? 'false' : 'true')],
  ]
  const code = text
    .replace(/--.*$/gm, (comment) => ' '.repeat(comment.length))
    .replace(/'[^'\n]*'/g, (quoted) => `'${' '.repeat(quoted.length - 2)}'`)
  return changes.flatMap(([from, by]) =>
    [...code.matchAll(from)].map((match) => {
      const [start, end] = [match.index, match.index + match[0].length]
      const line = text.slice(0, start).split('\n').length
      const own = text.slice(start, end)
      const what = `${text.split('\n')[line - 1]?.trim() ?? ''}: ${own.trim()} → ${by(own).trim() || 'nothing'}`
      return { line, what, text: text.slice(0, start) + by(own) + text.slice(end) }
    }),
  )
}
