// In the thread that resolves imports: what a module that is imported anew imports by a relative name is imported anew as well, but for
// what is Tessera's own. See src/importing/anew.ts.
let given = { own: '', name: '' }

export function initialize(data) {
  given = data
}

export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  if (!specifier.startsWith('.') || context.parentURL === undefined || isLibrary(found.url)) return found
  const version = new URL(context.parentURL).searchParams.get(given.name)
  if (version === null) return found
  const url = new URL(found.url)
  url.searchParams.set(given.name, version)
  return { ...found, url: url.href }
}

const isLibrary = (url) => url.startsWith(given.own) && !url.startsWith(`${given.own}cubes/`)
