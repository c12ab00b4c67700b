/** Makes a call, or something else instead. `operation` is the name of the method. */
export type Call = <T>(operation: string, run: () => T) => T

/**
 * A machine (or anything else) whose methods all go through `call`, and those of the maps, programs and attachments that
 * it gives out as well. The machine itself takes them for its own.
 */
export function through<T extends object>(thing: T, call: Call): T {
  return new Proxy(thing, {
    get(target, key) {
      // Private fields are those of the target: no method may see the proxy.
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        const result: unknown = call(String(key), () => value.apply(target, given))
        return isHandle(result) ? through(result, call) : result
      }
    },
  })
}

const isHandle = (value: unknown): value is Disposable =>
  typeof value === 'object' && value !== null && Symbol.dispose in value
