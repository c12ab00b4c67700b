/** What a change came to, in words. */
import type { Output as Answer } from '../api/routes.ts'

export type Change = Answer<'putGraph'>

export function describeChange({ graph, dryRun, revision, actions, lost, warnings }: Change): string {
  const lines = actionLines(actions)
  const now = revision === undefined ? '' : `, revision ${revision}`
  return [
    ...(lines.length === 0 ? ['nothing to change'] : lines),
    ...(lost > 0 ? [`${lost} entries have no room in a table that is smaller now`] : []),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(dryRun ? ['this was a dry run: nothing was changed'] : now === '' ? [] : [`graph ${graph}${now}`]),
  ].join('\n')
}

/** Of those that people care about: others have no more to say than what they do. */
export const actionLines = (actions: Change['actions']): string[] =>
  actions.filter((action) => action.text !== '' && action.text !== action.do).map(({ text }) => text)
