/**
 * What graph files usually say, read several times as fast as by the parser that can point at what it has read, and explain what is
 * wrong with it. Whatever is unusual is left to that one.
 */
import { CORE_SCHEMA, constructFromEvents, defineMappingTag, EVENT_ID, type Event, mapTag, parseEvents } from 'js-yaml'

/**
 * The plain data that a text stands for, in YAML 1.2's core schema. Undefined where it is not one document with a mapping, where a name
 * is there twice or is no text, and where there are anchors, aliases, tags or directives: two parsers may differ about those.
 */
export function readUsual(text: string): unknown {
  if (DIFFER.test(text)) return undefined
  try {
    const events = parseEvents(text, {})
    return events[1]?.type === EVENT_ID.MAPPING && events.every(isUsual)
      ? constructFromEvents(events, { source: text, schema: USUAL })[0]
      : undefined
  } catch {
    return undefined
  }
}

/** Ends of documents, beginnings that are indented, and numbers that have no double: here the two parsers were seen to differ. */
const DIFFER = /^\.\.\.|^[ \t]+---|\d[eE]\+?\d{3}/m

function isUsual(event: Event, at: number): boolean {
  switch (event.type) {
    case EVENT_ID.DOCUMENT:
      return at === 0 && event.directives.length === 0
    case EVENT_ID.ALIAS:
      return false
    case EVENT_ID.POP:
      return true
    default:
      return event.anchorStart < 0 && event.tagStart < 0
  }
}

const USUAL = CORE_SCHEMA.withTags(
  defineMappingTag(mapTag.tagName, {
    ...mapTag,
    addPair: (map, key, value) =>
      typeof key === 'string' && key !== '__proto__' ? mapTag.addPair(map, key, value) : 'unusual',
  }),
)
