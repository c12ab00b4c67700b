import { Option } from 'commander'

export const machineOption = (): Option =>
  new Option('-m, --machine <machine>', 'where the graph runs').choices(['kernel', 'vm']).default('kernel')
