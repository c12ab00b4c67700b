// In the thread that resolves imports, beside tsx: see import.js.
let modules = {}

export function initialize(names) {
  modules = names
}

export async function load(url, context, next) {
  if (!Object.hasOwn(modules, url)) return next(url, context)
  const [path, names] = modules[url]
  const lines = names.map(
    (name, index) => `const _${index} = m[${JSON.stringify(name)}]; export { _${index} as ${name} }`,
  )
  const source = [`const m = globalThis[Symbol.for('tessera.own')][${JSON.stringify(path)}]()`, ...lines].join('\n')
  return { format: 'module', source, shortCircuit: true }
}
