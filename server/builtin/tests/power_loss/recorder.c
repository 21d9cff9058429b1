/* Records what a process does to the files below one directory, in the order in which it does it.
 *
 * Loaded with LD_PRELOAD. RECORDER_ROOT is the directory (canonical), RECORDER_LOG the file to
 * write. Syncs are recorded but not carried out. Whatever could change a file behind our back ends
 * the process, so that a recording is complete or not made.
 *
 *   record: kind u8 | path length u32 | offset u64 | data length u64 | path | data
 *   kinds:  'c' file created, 'm' directory created, 'w' written at offset, 't' length set to
 *           offset, 'n' renamed to data, 'u' file removed, 'd' directory removed, 's' synced
 *   Paths are relative to the root; the root itself is "". Numbers are in host order.
 *
 * What is written to the file "switch" makes the disk below "data" fail, until it is switched back:
 *   'n' not at all, 'f' it is full, 'r' it went read-only, 's' it takes writes and does not sync
 * A sync that fails loses pages at random: they are again what they were at the last sync, on the
 * disk and for who reads them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;

static void die(const char *what, const char *path) {
    fprintf(stderr, "recorder: %s: %s\n", what, path);
    _exit(99);
}

#define REAL(result, name, ...)                                   \
    static result (*real)(__VA_ARGS__);                           \
    if (!real) {                                                  \
        *(void **)&real = dlsym(RTLD_NEXT, name);                 \
        if (!real) die("no such function", name);                 \
    }

static void log_all(const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t)
    while (length > 0) {
        ssize_t written = real(log_fd, bytes, length);
        if (written < 0) die("cannot write the log", strerror(errno));
        bytes = (const char *)bytes + written;
        length -= (size_t)written;
    }
}

static void record(char kind, const char *path, uint64_t offset, const void *data, uint64_t length) {
    uint32_t path_length = (uint32_t)strlen(path);
    log_all(&kind, 1);
    log_all(&path_length, 4);
    log_all(&offset, 8);
    log_all(&length, 8);
    log_all(path, path_length);
    log_all(data, length);
}

__attribute__((constructor)) static void start(void) {
    const char *directory = getenv("RECORDER_ROOT"), *log = getenv("RECORDER_LOG");
    if (!directory || !log) die("RECORDER_ROOT and RECORDER_LOG", "must be set");
    REAL(int, "open", const char *, int, ...)
    int fd = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    /* Out of the way of the numbers the process expects. */
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 500);
    if (log_fd < 0) die("cannot open the log", log);
    close(fd);
    strncpy(root, directory, sizeof root - 1);
    root_length = strlen(root);
}

/* The part of an absolute path below the root, or NULL. */
static const char *below(const char *path) {
    if (root_length == 0 || strncmp(path, root, root_length) != 0) return NULL;
    if (path[root_length] == '\0') return path + root_length;
    return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

static const char *of_fd(int fd, char *buffer) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, buffer, PATH_MAX - 1);
    if (length < 0) return NULL;
    buffer[length] = '\0';
    return below(buffer);
}

static const char *of_path(int directory, const char *path, char *buffer) {
    if (path[0] == '/') {
        snprintf(buffer, PATH_MAX, "%s", path);
    } else {
        char base[PATH_MAX];
        if (directory == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return NULL;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
            ssize_t length = readlink(link, base, sizeof base - 1);
            if (length < 0) return NULL;
            base[length] = '\0';
        }
        if (snprintf(buffer, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return NULL;
    }
    size_t length = strlen(buffer);
    if (length > 1 && buffer[length - 1] == '/') buffer[length - 1] = '\0';
    return below(buffer);
}

/* What was written since the last sync of its file, newest first: what stood there before. */
struct before {
    struct before *next;
    ino_t file;
    off_t offset;
    size_t length;
    char data[];
};
static struct before *unsynced;
static char fault = 'n';
static uint64_t rounds;

#define PAGE 4096

static int is_store(const char *name) { return strncmp(name, "data", 4) == 0; }

/* Whether this disk refuses to change; sets errno. */
static int refuses(const char *name) {
    if (!is_store(name) || (fault != 'f' && fault != 'r')) return 0;
    errno = fault == 'f' ? ENOSPC : EROFS;
    return 1;
}

/* The same for names, for which a full disk has room. */
static int refuses_names(const char *name) { return fault == 'r' && refuses(name); }

/* How much of a write a full disk has room for, now and then. */
static size_t room(size_t length) {
    return fault == 'f' && ++rounds % 2 == 0 ? length / 2 / PAGE * PAGE : 0;
}

static ino_t inode(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) die("no status", strerror(errno));
    return status.st_ino;
}

static int open_again(int fd, int flags) {
    REAL(int, "open", const char *, int, ...)
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int again = real(link, flags | O_CLOEXEC);
    if (again < 0) die("cannot open again", strerror(errno));
    return again;
}

static void remember(int fd, size_t length, off_t offset) {
    struct before *before = calloc(1, sizeof *before + length);
    if (!before) die("no memory", "");
    /* A handle that only writes does not read. */
    int reader = open_again(fd, O_RDONLY);
    if (pread(reader, before->data, length, offset) < 0)
        die("cannot read what is overwritten", strerror(errno));
    close(reader);
    before->next = unsynced;
    before->file = inode(fd);
    before->offset = offset;
    before->length = length;
    unsynced = before;
}

static int is_lost(uint64_t page) {
    uint64_t mixed = (page + 1) * 0x9E3779B97F4A7C15u ^ rounds * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 30)) * 0x94D049BB133111EBu;
    return (mixed >> 33) & 1;
}

/* Takes what is unsynced of a file off the list, and loses some of it if the sync failed. */
static void settle(int fd, const char *name, int failed) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t)
    ino_t file = inode(fd);
    int writer = -1;
    rounds++;
    for (struct before **link = &unsynced; *link;) {
        struct before *before = *link;
        if (before->file != file) {
            link = &before->next;
            continue;
        }
        for (size_t at = 0; failed && at < before->length;) {
            off_t offset = before->offset + (off_t)at;
            size_t length = PAGE - (size_t)offset % PAGE;
            if (length > before->length - at) length = before->length - at;
            if (is_lost((uint64_t)offset / PAGE)) {
                if (writer < 0) writer = open_again(fd, O_WRONLY);
                if (real(writer, before->data + at, length, offset) != (ssize_t)length)
                    die("cannot lose a page", strerror(errno));
                record('w', name, (uint64_t)offset, before->data + at, length);
            }
            at += length;
        }
        *link = before->next;
        free(before);
    }
    if (writer >= 0) close(writer);
}

static void lock(void) { pthread_mutex_lock(&order); }
static void unlock(void) { pthread_mutex_unlock(&order); }

static int opened(int directory, const char *path, int flags, mode_t mode) {
    REAL(int, "openat", int, const char *, int, ...)
    char buffer[PATH_MAX];
    int writes = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
    const char *name = writes ? of_path(directory, path, buffer) : NULL;
    if (!name) return real(directory, path, flags, mode);
    lock();
    if (refuses_names(name)) {
        unlock();
        return -1;
    }
    int existed = access(buffer, F_OK) == 0;
    int fd = real(directory, path, flags, mode);
    int error = errno;
    if (fd >= 0 && !existed) record('c', name, 0, "", 0);
    if (fd >= 0 && existed && flags & O_TRUNC) record('t', name, 0, "", 0);
    unlock();
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                \
    int name(const char *path, int flags, ...) {                  \
        va_list arguments;                                        \
        va_start(arguments, flags);                               \
        mode_t mode = mode_of(flags, arguments);                  \
        va_end(arguments);                                        \
        return opened(AT_FDCWD, path, flags, mode);               \
    }
#define OPENAT(name)                                              \
    int name(int directory, const char *path, int flags, ...) {   \
        va_list arguments;                                        \
        va_start(arguments, flags);                               \
        mode_t mode = mode_of(flags, arguments);                  \
        va_end(arguments);                                        \
        return opened(directory, path, flags, mode);              \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int creat(const char *path, mode_t mode) {
    return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static ssize_t pwrote(int fd, const void *data, size_t length, off_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t)
    char buffer[PATH_MAX];
    const char *name = of_fd(fd, buffer);
    if (!name) return real(fd, data, length, offset);
    lock();
    if (refuses(name) && !(length = room(length))) {
        unlock();
        return -1;
    }
    remember(fd, length, offset);
    ssize_t written = real(fd, data, length, offset);
    int error = errno;
    if (written > 0) record('w', name, (uint64_t)offset, data, (uint64_t)written);
    unlock();
    errno = error;
    return written;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return pwrote(fd, data, length, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    return pwrote(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t)
    char buffer[PATH_MAX];
    const char *name = of_fd(fd, buffer);
    if (!name) return real(fd, data, length);
    lock();
    if (strcmp(name, "switch") == 0 && length > 0) {
        fault = *(const char *)data;
        unlock();
        return (ssize_t)length;
    }
    if (refuses(name) && !(length = room(length))) {
        unlock();
        return -1;
    }
    int append = fcntl(fd, F_GETFL) & O_APPEND;
    off_t offset = lseek(fd, 0, append ? SEEK_END : SEEK_CUR);
    remember(fd, length, offset);
    ssize_t written = real(fd, data, length);
    int error = errno;
    if (written > 0) record('w', name, (uint64_t)offset, data, (uint64_t)written);
    unlock();
    errno = error;
    return written;
}

static int truncated(int fd, off_t length) {
    REAL(int, "ftruncate64", int, off_t)
    char buffer[PATH_MAX];
    const char *name = of_fd(fd, buffer);
    if (!name) return real(fd, length);
    lock();
    if (refuses(name)) {
        unlock();
        return -1;
    }
    int outcome = real(fd, length);
    int error = errno;
    if (outcome == 0) record('t', name, (uint64_t)length, "", 0);
    unlock();
    errno = error;
    return outcome;
}
int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off_t length) { return truncated(fd, length); }

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t)
    char buffer[PATH_MAX];
    const char *name = of_path(AT_FDCWD, path, buffer);
    if (!name) return real(path, mode);
    lock();
    if (refuses_names(name)) {
        unlock();
        return -1;
    }
    int outcome = real(path, mode);
    int error = errno;
    if (outcome == 0) record('m', name, 0, "", 0);
    unlock();
    errno = error;
    return outcome;
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *)
    char from_buffer[PATH_MAX], to_buffer[PATH_MAX];
    const char *name = of_path(AT_FDCWD, from, from_buffer);
    const char *target = of_path(AT_FDCWD, to, to_buffer);
    if (!name && !target) return real(from, to);
    if (!name || !target) die("renamed across the root", from);
    lock();
    if (refuses_names(name)) {
        unlock();
        return -1;
    }
    int outcome = real(from, to);
    int error = errno;
    if (outcome == 0) record('n', name, 0, target, strlen(target));
    unlock();
    errno = error;
    return outcome;
}

int unlinkat(int directory, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int)
    char buffer[PATH_MAX];
    const char *name = of_path(directory, path, buffer);
    if (!name) return real(directory, path, flags);
    lock();
    if (refuses_names(name)) {
        unlock();
        return -1;
    }
    int outcome = real(directory, path, flags);
    int error = errno;
    if (outcome == 0) record(flags & AT_REMOVEDIR ? 'd' : 'u', name, 0, "", 0);
    unlock();
    errno = error;
    return outcome;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

static int synced(int fd, int (*real)(int)) {
    char buffer[PATH_MAX];
    const char *name = of_fd(fd, buffer);
    if (!name) return real(fd);
    lock();
    int failed = is_store(name) && (fault == 'r' || fault == 's');
    settle(fd, name, failed);
    if (!failed) record('s', name, 0, "", 0);
    unlock();
    errno = EIO;
    return failed ? -1 : 0;
}
int fsync(int fd) {
    REAL(int, "fsync", int)
    return synced(fd, real);
}
int fdatasync(int fd) {
    REAL(int, "fdatasync", int)
    return synced(fd, real);
}

/* It promises nothing about a power cut: no device cache is emptied, no file length written. */
int sync_file_range(int fd, off_t offset, off_t length, unsigned int flags) {
    REAL(int, "sync_file_range", int, off_t, off_t, unsigned int)
    char buffer[PATH_MAX];
    const char *name = of_fd(fd, buffer);
    if (!name) return real(fd, offset, length, flags);
    errno = EIO;
    return is_store(name) && (fault == 'r' || fault == 's') ? -1 : 0;
}

/* What no engine under test does. */
#define REFUSE_FD(result, name, fd, call, ...)                    \
    result name(__VA_ARGS__) {                                    \
        REAL(result, #name, __VA_ARGS__)                          \
        char buffer[PATH_MAX];                                    \
        if (of_fd(fd, buffer)) die(#name " is not recorded", buffer); \
        return real call;                                         \
    }
REFUSE_FD(ssize_t, writev, fd, (fd, parts, count), int fd, const struct iovec *parts, int count)
REFUSE_FD(ssize_t, pwritev, fd, (fd, parts, count, offset), int fd, const struct iovec *parts,
          int count, off_t offset)
REFUSE_FD(ssize_t, pwritev64, fd, (fd, parts, count, offset), int fd, const struct iovec *parts,
          int count, off_t offset)
REFUSE_FD(int, fallocate, fd, (fd, mode, offset, length), int fd, int mode, off_t offset,
          off_t length)
REFUSE_FD(int, fallocate64, fd, (fd, mode, offset, length), int fd, int mode, off_t offset,
          off_t length)
REFUSE_FD(int, posix_fallocate, fd, (fd, offset, length), int fd, off_t offset, off_t length)
REFUSE_FD(int, posix_fallocate64, fd, (fd, offset, length), int fd, off_t offset, off_t length)
REFUSE_FD(ssize_t, sendfile64, to, (to, from, offset, length), int to, int from, off_t *offset,
          size_t length)
REFUSE_FD(ssize_t, copy_file_range, to, (from, in, to, out, length, flags), int from, off_t *in,
          int to, off_t *out, size_t length, unsigned int flags)

static void refuse_mapping(int protection, int flags, int fd) {
    char buffer[PATH_MAX];
    if (fd >= 0 && protection & PROT_WRITE && flags & MAP_SHARED && of_fd(fd, buffer))
        die("a mapping is not recorded", buffer);
}
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    REAL(void *, "mmap", void *, size_t, int, int, int, off_t)
    refuse_mapping(protection, flags, fd);
    return real(address, length, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    REAL(void *, "mmap64", void *, size_t, int, int, int, off_t)
    refuse_mapping(protection, flags, fd);
    return real(address, length, protection, flags, fd, offset);
}
