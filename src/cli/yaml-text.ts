import { stringify } from 'yaml'

export const yamlText = (data: unknown): string =>
  stringify(data, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd()
