/**
 * Where things of one boot lie. Several instances of Tessera on one host, each with a name of its own (`TESSERA_INSTANCE`), have
 * nothing in common but the file systems that are mounted for all: so tests have daemons beside each other.
 */
import { refusal } from '../base/diagnostic.ts'

/** Its name; nothing of the one without. */
export const INSTANCE = process.env.TESSERA_INSTANCE ?? ''

if (!/^[a-z0-9-]{0,31}$/.test(INSTANCE))
  throw refusal(`TESSERA_INSTANCE is "${INSTANCE}"`, 'lower-case letters, digits and dashes, at most 31')

/** Ends the names of what is this instance's: `tessera`, or `tessera-NAME`. */
export const OWN_NAME = INSTANCE === '' ? 'tessera' : `tessera-${INSTANCE}`

/** Of all instances: locks, and what of the host this project changed. Gone when the last of them is. */
export const SHARED_FOLDER = '/run/tessera'

/** Of this instance: locks, and records of what runs. */
export const RUN_FOLDER = `/run/${OWN_NAME}`
