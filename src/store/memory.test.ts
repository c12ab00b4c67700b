import { MemoryStore } from './memory.ts'
import { storeSuite } from './suite.ts'

storeSuite('a store in memory', { open: async (history) => new MemoryStore(history) })
