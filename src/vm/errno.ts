/** Error numbers, as helpers return them negated (asm-generic/errno-base.h). */
export const ERRNO = { ENOENT: 2, E2BIG: 7, EEXIST: 17, ENODEV: 19, EINVAL: 22, ENOSPC: 28, ENETDOWN: 100 } as const

/** Flags of an update (linux/bpf.h). */
export const UPDATE = { any: 0, noExist: 1, exist: 2 } as const
