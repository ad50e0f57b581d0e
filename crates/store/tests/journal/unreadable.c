/* Preloaded, it makes reads fail as those of a disk do that does not give a sector. The file that the variable
   TELNESS_TEST_UNREADABLE names tells which: how the name of what is read ends, its first byte that is not given, and
   the first behind it that is. While that file is not there, everything can be read. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(int fd, long long from, size_t length) {
    char rule[512], ending[256], link[64], path[4096];
    long long first, behind;
    const char *file = getenv("TELNESS_TEST_UNREADABLE");
    int rules = file ? open(file, O_RDONLY) : -1;
    if (rules < 0) return 0;
    ssize_t got = syscall(SYS_read, rules, rule, sizeof rule - 1);
    close(rules);
    if (got <= 0) return 0;
    rule[got] = 0;
    if (sscanf(rule, "%255s %lld %lld", ending, &first, &behind) != 3) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length_of_path = readlink(link, path, sizeof path - 1);
    size_t tail = strlen(ending);
    if (length_of_path < (ssize_t)tail) return 0;
    path[length_of_path] = 0;
    return !strcmp(path + length_of_path - tail, ending) && from < behind && from + (long long)length > first;
}

ssize_t pread64(int fd, void *to, size_t length, off64_t from) {
    if (fails(fd, from, length)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, length, from);
}

ssize_t read(int fd, void *to, size_t length) {
    off64_t from = lseek64(fd, 0, SEEK_CUR);
    if (from >= 0 && fails(fd, from, length)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_read, fd, to, length);
}
