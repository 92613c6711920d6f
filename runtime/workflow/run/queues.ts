/** Where a step goes when neither its node, its class nor its workflow names a queue: Gush's own. */
export const defaultQueue = 'gush'
