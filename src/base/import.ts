/** What `import()` of a file gives. A bundle has another module in the place of this one: it has what cubes share with Tessera. */
export const importFile = async (url: string): Promise<Readonly<Record<string, unknown>>> =>
  (await import(/* @vite-ignore */ url)) as Record<string, unknown>
