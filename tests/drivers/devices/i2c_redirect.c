/* Opens /dev/i2c-N in the directory that I2C_BUSES names. Put in front of a program's libraries with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static const char *redirected(const char *path, char *buffer)
{
    const char *directory = getenv("I2C_BUSES");
    if (directory == NULL || strncmp(path, "/dev/i2c-", strlen("/dev/i2c-")) != 0)
        return path;
    snprintf(buffer, PATH_MAX, "%s/%s", directory, path + strlen("/dev/"));
    return buffer;
}

/* One of the C library's ways to open, in front of its own. */
#define OPEN(NAME)                                                                              \
    int NAME(const char *path, int flags, ...)                                                  \
    {                                                                                           \
        int (*original)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #NAME); \
        char buffer[PATH_MAX];                                                                  \
        mode_t mode = 0;                                                                        \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                                  \
            va_list more;                                                                       \
            va_start(more, flags);                                                              \
            mode = va_arg(more, mode_t);                                                        \
            va_end(more);                                                                       \
        }                                                                                       \
        return original(redirected(path, buffer), flags, mode);                                 \
    }

OPEN(open)
OPEN(open64)
