/** Error numbers, as helpers return them negated (asm-generic/errno-base.h). */
export const ERRNO = {
  ENOENT: 2,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  ENETDOWN: 100,
  EALREADY: 114,
  /** Not for user space (linux/errno.h), and still what some helpers return. */
  ENOTSUPP: 524,
} as const
