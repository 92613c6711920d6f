import ts from 'typescript'

/** One arm of a branch in a source file: what runs only when a condition holds, or does not. */
export interface Arm {
  /** `line:column what`, as it is reported. Lines and columns count from one. */
  id: string
  /** Where its code begins and ends in the source. */
  start: number
  end: number
  /** An `else` that is not written: it ran when the condition was reached more often than its other arm. */
  missingElse: boolean
  /**
   * How far from where a source map has its beginning it is surely within it. A statement: a map has the blank before it. A
   * function: before it lies what makes it, and its own range counts its calls.
   */
  shift: -1 | 0 | 1
}

/**
 * The arms of a file, as istanbul defines branches: both of an `if` (also an else that is not written) and of `?:`, each case
 * of a `switch`, the right side of `&&`, `||` and `??` (also with `=`), and default values. Its left sides, which always run,
 * are not counted.
 */
export function armsOf(file: string, text: string): Arm[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const arms: Arm[] = []
  const add = (node: ts.Node, what: string, shownAt = node, missingElse = false): void => {
    const start = node.getStart(source)
    const { line, character } = source.getLineAndCharacterOfPosition(shownAt.getStart(source))
    const id = `${line + 1}:${character + 1} ${what}`
    const isFunction = ts.isArrowFunction(node) || ts.isFunctionExpression(node)
    const shift = isFunction ? -1 : ts.isStatement(node) ? 1 : 0
    arms.push({ id, start, end: node.getEnd(), shift, missingElse })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    if (ts.isIfStatement(node)) {
      add(node.thenStatement, 'then')
      if (node.elseStatement) add(node.elseStatement, 'else')
      else add(node.thenStatement, 'no else', node, true)
    } else if (ts.isConditionalExpression(node)) {
      add(node.whenTrue, '?')
      add(node.whenFalse, ':')
    } else if (ts.isBinaryExpression(node) && isLogical(node.operatorToken.kind)) {
      add(node.right, node.operatorToken.getText(source))
    } else if (ts.isCaseClause(node) || ts.isDefaultClause(node)) {
      const [first] = node.statements
      if (first) add(first, ts.isCaseClause(node) ? 'case' : 'default')
    } else if ((ts.isParameter(node) || ts.isBindingElement(node)) && node.initializer) {
      add(node.initializer, 'default value')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return arms
}

function isLogical(kind: ts.SyntaxKind): boolean {
  return [
    ts.SyntaxKind.AmpersandAmpersandToken,
    ts.SyntaxKind.BarBarToken,
    ts.SyntaxKind.QuestionQuestionToken,
    ts.SyntaxKind.AmpersandAmpersandEqualsToken,
    ts.SyntaxKind.BarBarEqualsToken,
    ts.SyntaxKind.QuestionQuestionEqualsToken,
  ].includes(kind)
}
