/** Where the daemon of this host has its things, unless somebody says otherwise. */
import { join } from 'node:path'
import { OWN_NAME, RUN_FOLDER } from '../../kernel/places.ts'

export const SOCKET = join(RUN_FOLDER, 'tessera.sock')
export const STORE = `/var/lib/${OWN_NAME}`
