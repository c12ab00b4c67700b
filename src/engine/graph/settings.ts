/** Validated configuration, as the cube's schema left it. */
export type Settings = Readonly<Record<string, unknown>>
