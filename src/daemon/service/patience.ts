/**
 * When V8 optimises what is called: for a daemon, which is asked the same again and again, as soon as V8 does by itself. Most of what a
 * large change calls is over before that pays, as with commands (bin/load.js).
 */
import { setFlagsFromString } from 'node:v8'

/** How much of a function's bytecode runs before V8 thinks of it, in bytes: V8's own number, and ours. */
const [OWN, PATIENT] = [67_584, 600_000]
/** Instances of a graph from which on the optimising is most of a second. */
const MANY = 100

/** Until disposed, V8 has patience, if a graph has many instances. One change is made at a time. */
export function patience(instances: number): Disposable {
  const setTo = (budget: number): void => {
    if (instances >= MANY) setFlagsFromString(`--interrupt-budget=${budget}`)
  }
  setTo(PATIENT)
  return { [Symbol.dispose]: () => setTo(OWN) }
}
