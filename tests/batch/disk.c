/* A disk for tests, preloaded into a process (LD_PRELOAD): files below DISK_FOLDER are on it, all others are not.
 *
 * It is full after DISK_FULL_AFTER bytes have been written. Or it loses its power at operation number DISK_POWER_OFF_AT: the
 * process is killed, and of all that nobody has synchronised with the disk some is lost, drawn from DISK_SEED: names of files and
 * folders vanish, and contents end early. What has been synchronised stays. A file that was replaced by one whose name is lost is
 * gone as well, which is harsher than a real disk.
 *
 * It knows the calls that Rust's standard library makes, and nothing else: no memory maps, no asynchronous writes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static long long left = -1;
static long long power_off_at = -1;
static unsigned long long chance;

/* Contents that are not on the disk: a descriptor of our own for each. */
static struct { dev_t device; ino_t inode; int descriptor; } contents[MOST];
static int n_contents;

/* Names that are not on the disk, in the order in which they came. */
static char *names[MOST];
static int n_names;

__attribute__((constructor)) static void set_up(void) {
    const char *text;
    folder = getenv("DISK_FOLDER");
    if ((text = getenv("DISK_FULL_AFTER"))) left = atoll(text);
    if ((text = getenv("DISK_POWER_OFF_AT"))) power_off_at = atoll(text);
    if ((text = getenv("DISK_SEED"))) chance = strtoull(text, NULL, 10) * 2 + 1;
}

static int is_here(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    return length && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_here(path);
}

/* Whether it is the folder that has the name of the disk's own. */
static int is_parent(const char *path) {
    const char *last = strrchr(folder, '/');
    return last && strlen(path) == (size_t)(last - folder) && strncmp(path, folder, last - folder) == 0;
}

static unsigned draw(void) {
    chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(chance >> 33);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status, (void)type, (void)place;
    /* Another thread may just have removed it: that must not keep the rest, as half a folder is what no disk leaves. */
    if (syscall(SYS_unlinkat, AT_FDCWD, path, 0)) syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    return 0;
}

static void lose_power(void) {
    for (int idx = 0; idx < n_contents; idx++) {
        struct stat status;
        if (draw() % 2 && fstat(contents[idx].descriptor, &status) == 0)
            syscall(SYS_ftruncate, contents[idx].descriptor, status.st_size ? draw() % status.st_size : 0);
    }
    for (int idx = n_names - 1; idx >= 0; idx--)
        if (names[idx] && draw() % 2) nftw(names[idx], remove_one, 16, FTW_DEPTH | FTW_PHYS);
    raise(SIGKILL);
}

/* To be called with the lock, before an operation on the disk. */
static void count(void) {
    if (power_off_at >= 0 && power_off_at-- == 0) lose_power();
}

static void add_name(const char *path) {
    if (power_off_at < 0 || n_names == MOST) return;
    names[n_names++] = strdup(path);
}

static void add_content(int descriptor) {
    struct stat status;
    if (power_off_at < 0 || n_contents == MOST || fstat(descriptor, &status)) return;
    for (int idx = 0; idx < n_contents; idx++)
        if (contents[idx].inode == status.st_ino && contents[idx].device == status.st_dev) return;
    contents[n_contents].device = status.st_dev;
    contents[n_contents].inode = status.st_ino;
    contents[n_contents++].descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 100);
}

static void synchronised(int descriptor, const char *path) {
    struct stat status;
    size_t length = strlen(path);
    if (fstat(descriptor, &status)) return;
    for (int idx = 0; idx < n_contents; idx++)
        if (contents[idx].inode == status.st_ino && contents[idx].device == status.st_dev) {
            close(contents[idx].descriptor);
            contents[idx] = contents[--n_contents];
            break;
        }
    if (!S_ISDIR(status.st_mode)) return;
    for (int idx = 0; idx < n_names; idx++)
        if (names[idx] && strncmp(names[idx], path, length) == 0 && names[idx][length] == '/' &&
            !strchr(names[idx] + length + 1, '/')) {
            free(names[idx]);
            names[idx] = NULL;
        }
}

/* Whether so many bytes can be written to the descriptor. */
static int has_room(int descriptor, size_t n_bytes) {
    char path[PATH_MAX];
    if (!folder || !path_of(descriptor, path)) return 1;
    pthread_mutex_lock(&lock);
    count();
    add_content(descriptor);
    int fits = left < 0 || (long long)n_bytes <= left;
    if (left >= 0 && fits) left -= n_bytes;
    pthread_mutex_unlock(&lock);
    if (!fits) errno = ENOSPC;
    return fits;
}

ssize_t write(int descriptor, const void *bytes, size_t n_bytes) {
    return has_room(descriptor, n_bytes) ? syscall(SYS_write, descriptor, bytes, n_bytes) : -1;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t n_bytes, off64_t offset) {
    return has_room(descriptor, n_bytes) ? syscall(SYS_pwrite64, descriptor, bytes, n_bytes, offset) : -1;
}

ssize_t writev(int descriptor, const struct iovec *pieces, int n_pieces) {
    size_t n_bytes = 0;
    for (int idx = 0; idx < n_pieces; idx++) n_bytes += pieces[idx].iov_len;
    return has_room(descriptor, n_bytes) ? syscall(SYS_writev, descriptor, pieces, n_pieces) : -1;
}

static int synchronise(int descriptor, long call) {
    char path[PATH_MAX];
    if (!folder || (!path_of(descriptor, path) && !is_parent(path))) return (int)syscall(call, descriptor);
    pthread_mutex_lock(&lock);
    count();
    int result = (int)syscall(call, descriptor);
    if (result == 0) synchronised(descriptor, path);
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int descriptor) { return synchronise(descriptor, SYS_fsync); }

int fdatasync(int descriptor) { return synchronise(descriptor, SYS_fdatasync); }

static int opened(int at, const char *path, int flags, mode_t mode) {
    if (!(flags & O_CREAT) || !is_here(path)) return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    count();
    int is_new = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
    int descriptor = (int)syscall(SYS_openat, at, path, flags, mode);
    if (descriptor >= 0 && is_new) add_name(path);
    pthread_mutex_unlock(&lock);
    return descriptor;
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, mode)
    return opened(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, mode)
    return opened(AT_FDCWD, path, flags, mode);
}

/* A name that comes to be by `call`, which gives 0 if it does. */
#define NAMED(to, call) \
    if (!is_here(to)) return (int)(call); \
    pthread_mutex_lock(&lock); \
    count(); \
    int result = (int)(call); \
    if (result == 0) add_name(to); \
    int error = errno; \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return result;

int mkdir(const char *path, mode_t mode) { NAMED(path, syscall(SYS_mkdirat, AT_FDCWD, path, mode)) }

int rename(const char *from, const char *to) { NAMED(to, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)) }

int link(const char *from, const char *to) { NAMED(to, syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)) }

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    NAMED(to, syscall(SYS_linkat, from_at, from, to_at, to, flags))
}
