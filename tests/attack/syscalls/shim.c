/* Lets system calls on the files below a folder fail; loaded by LD_PRELOAD, and armed by `arm`. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, MMAP, FSYNC, RENAME, CLOSE, STAT, UNLINK, TRUNCATE, LINK, KINDS };

static _Atomic long *counts;
static char folder[4096];
static size_t length;
static long kind = -1, first, times, code;

/* From now on count the calls on files below the folder, in a file of KINDS int64, and let those of
   a kind fail from the first so many times, with an error or, where it is 0, by doing half of it. */
int arm(const char *name, const char *where, long what, long from, long many, long error)
{
    if (strlen(name) >= sizeof folder)
        return -1;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, where, O_RDWR, 0);
    if (fd < 0)
        return -1;
    void *held = (void *)syscall(SYS_mmap, NULL, KINDS * sizeof(long), PROT_READ | PROT_WRITE,
                                 MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (held == MAP_FAILED)
        return -1;
    strcpy(folder, name);
    length = strlen(folder);
    kind = what;
    first = from;
    times = many;
    code = error;
    counts = held;
    return 0;
}

static int below(const char *path)
{
    return counts && path && !strncmp(path, folder, length);
}

static int ours(int fd)
{
    if (!counts || fd < 0)
        return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long found = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (found <= 0)
        return 0;
    path[found] = 0;
    return below(path);
}

/* Whether the next call of this kind fails. */
static int fails(int what)
{
    long number = atomic_fetch_add(&counts[what], 1);
    if (what != kind || number < first || number >= first + times)
        return 0;
    if (code)
        errno = (int)code;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENING(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        if (below(path) && fails(OPEN)) \
            return -1; \
        return REAL(name)(path, flags, mode); \
    }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name) \
    int name(int at, const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        if (below(path) && fails(OPEN)) \
            return -1; \
        return REAL(name)(at, path, flags, mode); \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

/* Half of what was asked for, and at least a byte. */
static size_t shorter(size_t size)
{
    return size > 1 ? size / 2 : size;
}

#define MOVING(what, name, buffer) \
    ssize_t name(int fd, buffer bytes, size_t size) \
    { \
        if ((ours(fd) || (what == WRITE && fd == 1 && counts)) && fails(what)) { \
            if (code) \
                return -1; \
            size = shorter(size); \
        } \
        return REAL(name)(fd, bytes, size); \
    }
MOVING(READ, read, void *)
MOVING(WRITE, write, const void *)

#define MOVING_AT(what, name, buffer, type) \
    ssize_t name(int fd, buffer bytes, size_t size, type at) \
    { \
        if (ours(fd) && fails(what)) { \
            if (code) \
                return -1; \
            size = shorter(size); \
        } \
        return REAL(name)(fd, bytes, size, at); \
    }
MOVING_AT(READ, pread, void *, off_t)
MOVING_AT(READ, pread64, void *, off64_t)
MOVING_AT(WRITE, pwrite, const void *, off_t)
MOVING_AT(WRITE, pwrite64, const void *, off64_t)

#define MAPPING(name, type) \
    void *name(void *at, size_t size, int rights, int flags, int fd, type offset) \
    { \
        if (fd >= 0 && ours(fd) && fails(MMAP)) \
            return MAP_FAILED; \
        return REAL(name)(at, size, rights, flags, fd, offset); \
    }
MAPPING(mmap, off_t)
MAPPING(mmap64, off64_t)

#define ON_FILE(what, name, parameters, arguments) \
    int name parameters \
    { \
        if (ours(fd) && fails(what)) \
            return -1; \
        return REAL(name) arguments; \
    }
ON_FILE(FSYNC, fsync, (int fd), (fd))
ON_FILE(FSYNC, fdatasync, (int fd), (fd))
ON_FILE(TRUNCATE, ftruncate, (int fd, off_t size), (fd, size))
ON_FILE(TRUNCATE, ftruncate64, (int fd, off64_t size), (fd, size))
ON_FILE(STAT, fstat, (int fd, struct stat *found), (fd, found))
ON_FILE(STAT, fstat64, (int fd, struct stat64 *found), (fd, found))

/* The file is closed all the same, as Linux does. */
int close(int fd)
{
    int failed = ours(fd) && fails(CLOSE);
    int done = REAL(close)(fd);
    if (!failed)
        return done;
    errno = (int)code;
    return -1;
}

#define ON_PATH(what, name, path, parameters, arguments) \
    int name parameters \
    { \
        if (below(path) && fails(what)) \
            return -1; \
        return REAL(name) arguments; \
    }
ON_PATH(RENAME, rename, to, (const char *from, const char *to), (from, to))
ON_PATH(RENAME, renameat, to, (int a, const char *from, int b, const char *to), (a, from, b, to))
ON_PATH(LINK, link, to, (const char *from, const char *to), (from, to))
ON_PATH(LINK, linkat, to, (int a, const char *from, int b, const char *to, int how),
        (a, from, b, to, how))
ON_PATH(UNLINK, unlink, path, (const char *path), (path))
ON_PATH(UNLINK, unlinkat, path, (int at, const char *path, int how), (at, path, how))
ON_PATH(STAT, stat, path, (const char *path, struct stat *found), (path, found))
ON_PATH(STAT, stat64, path, (const char *path, struct stat64 *found), (path, found))
ON_PATH(STAT, lstat, path, (const char *path, struct stat *found), (path, found))
ON_PATH(STAT, lstat64, path, (const char *path, struct stat64 *found), (path, found))
ON_PATH(STAT, fstatat, path, (int at, const char *path, struct stat *found, int how),
        (at, path, found, how))
ON_PATH(STAT, fstatat64, path, (int at, const char *path, struct stat64 *found, int how),
        (at, path, found, how))
