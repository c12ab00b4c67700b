// In the thread that resolves imports, before tsx: see test-cube.js.
let modules = {}

export function initialize(given) {
  modules = given
}

export const resolve = (specifier, context, next) =>
  next(Object.hasOwn(modules, specifier) ? modules[specifier] : specifier, context)
