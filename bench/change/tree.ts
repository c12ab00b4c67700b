export const TREE = 'bench-tree'

/** Enough for what four ports of an access network have behind them. */
export const STATIONS = 1024

/**
 * A tree of so many bridges, each with room for so many stations and with four ports: links to three more below it, and interfaces
 * where there are none.
 */
export function tree(
  count: number,
  stations = STATIONS,
): { readonly text: string; readonly interfaces: readonly string[] } {
  const interfaces = ['top']
  const below = (bridge: number, port: number): string => {
    const other = 3 * bridge + port
    if (other < count) return `{ to: b${other}.p0 }`
    interfaces.push(`e${bridge}x${port}`)
    return `{ interface: e${bridge}x${port} }`
  }
  const instances = Array.from({ length: count }, (_, bridge) => {
    const ports = [1, 2, 3].map((port) => `p${port}: ${below(bridge, port)}`)
    return `  b${bridge}: { cube: bridge, entries: { stations: ${stations} }, ports: { p0: ${bridge === 0 ? '{ interface: top }' : '{}'}, ${ports.join(', ')} } }\n`
  })
  return { text: `graph: ${TREE}\ninstances:\n${instances.join('')}`, interfaces }
}
