/* SPDX-License-Identifier: MIT
 *
 * The emulators and their command lines, in one place, and running one of them with a time-out. All get the same
 * hart: IMAFDC Zba Zbb Zbc Zbs Zicbom Zicbop Zicboz Sstc Svadu, Sv39 to Sv57, 16 PMP entries, nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/torture/runner.h"

extern char **environ;

/* What QEMU's rv64 has and ours has not; properties that a version of QEMU does not know are dropped. */
static const char *const qemu_properties[] = {
    "h=off",         "zfa=off",    "zawrs=off",   "zca=on",     "zcd=on",
    "zcb=off",       "zicond=off", "svnapot=off", "svpbmt=off", "svinval=off",
    "svadu=on",      "svade=off",  "sstc=on",     "zicbom=on",  "zicboz=on",
    "zicbop=on",     "v=off",      "zacas=off",   "zabha=off",  "smstateen=off",
    "smcntrpmf=off", "ssnpm=off",  "smnpm=off",   "smmpm=off",  "sscofpmf=off",
};
#define NPROPERTIES ((int)(sizeof(qemu_properties) / sizeof(qemu_properties[0])))

static const char manyhart_cpu[] = "rv64,sv48=on,sv57=on";

static char *read_all(int fd, pid_t pid, unsigned timeout_s, size_t *len, bool *timed_out)
{
    size_t size = 4096;
    size_t n = 0;
    char *text = malloc(size);
    time_t end = time(NULL) + (time_t)timeout_s;
    *timed_out = false;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        long left = (long)(end - time(NULL));
        if (left <= 0 || n > (64u << 20)) {
            kill(pid, SIGKILL);
            *timed_out = true;
            break;
        }
        if (poll(&p, 1, (int)left * 1000) <= 0) {
            continue;
        }
        if (n + 4096 > size) {
            text = realloc(text, size *= 2);
        }
        ssize_t got = read(fd, text + n, size - n - 1);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    text[n] = 0;
    *len = n;
    return text;
}

static _Noreturn void child(char **args, int out)
{
    int null = open("/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no emulator outlives a runner that was killed */
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    execvp(args[0], args);
    _exit(127);
}

static void run(char **args, unsigned timeout_s, struct output *out)
{
    int fds[2];
    *out = (struct output){.text = NULL, .status = -1};
    if (pipe2(fds, O_CLOEXEC) < 0) {
        perror("pipe");
        exit(1);
    }
    pid_t pid = vfork();
    if (pid == 0) {
        child(args, fds[1]);
    }
    close(fds[1]);
    bool timed_out;
    out->text = read_all(fds[0], pid, timeout_s, &out->len, &timed_out);
    close(fds[0]);
    int status;
    waitpid(pid, &status, 0);
    if (timed_out) {
        out->status = -1;
    } else {
        out->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

void emulator_run(const struct emulator *e, const char *image, unsigned timeout_s,
                  struct output *out)
{
    char *args[MAX_ARGS + 2];
    char altered[4096];
    memcpy(args, e->args, sizeof(e->args));
    args[e->nargs] = (char *)image;
    args[e->nargs + 1] = NULL;
    if (e->is_faulty) {
        snprintf(altered, sizeof(altered), "%s.fault", image);
        image_inject_fault(image, altered);
        args[e->nargs] = altered;
    }
    run(args, timeout_s, out);
    if (e->is_faulty) {
        unlink(altered);
    }
}

bool output_same(const struct output *a, const struct output *b)
{
    return a->status == b->status && strcmp(a->text, b->text) == 0;
}

/* Set-up. */

static void add_args(struct emulator *e, const char *const *args)
{
    for (; *args; args++) {
        e->args[e->nargs++] = strdup(*args);
    }
}

static char *qemu_cpu(const bool *dropped)
{
    enum { SIZE = 1024 };
    char *cpu = malloc(SIZE);
    int n = snprintf(cpu, SIZE, "rv64");
    for (int i = 0; i < NPROPERTIES; i++) {
        if (!dropped[i]) {
            n += snprintf(cpu + n, (size_t)(SIZE - n), ",%s", qemu_properties[i]);
        }
    }
    return cpu;
}

/* The index of the property that QEMU's complaint names, or -1. */
static int unknown_property(const char *text)
{
    for (int i = 0; i < NPROPERTIES; i++) {
        char quoted[64];
        int n = (int)strcspn(qemu_properties[i], "=");
        snprintf(quoted, sizeof(quoted), ".%.*s' not found", n, qemu_properties[i]);
        if (strstr(text, quoted)) {
            return i;
        }
    }
    return -1;
}

/* The second hart only waits: with one hart QEMU makes an AMO of a load and a store, with their faults and A bits.
 * Runs an image without cases on ever fewer properties, until QEMU knows all of them. */
static int probe_qemu(struct emulator *e, const char *path, const char *image)
{
    bool dropped[NPROPERTIES] = {false};
    for (int tries = 0; tries <= NPROPERTIES; tries++) {
        char *cpu = qemu_cpu(dropped);
        const char *args[] = {path,   "-M", "virt",       "-cpu", cpu,    "-m",    "32M",
                              "-smp", "2",  "-nographic", "-nic", "none", "-bios", NULL};
        e->nargs = 0;
        add_args(e, args);
        struct output out;
        emulator_run(e, image, 20, &out);
        int bad = unknown_property(out.text);
        if (out.status == 0 && bad < 0) {
            free(cpu);
            free(out.text);
            return 0;
        }
        if (bad < 0) {
            fprintf(stderr, "torture: %s -cpu %s: status %d: %s\n", path, cpu, out.status,
                    out.text);
            return -1;
        }
        dropped[bad] = true;
        free(cpu);
        free(out.text);
    }
    return -1;
}

static int init_qemu(struct options *o, struct emulator *e)
{
    char image[512];
    snprintf(image, sizeof(image), "%s/probe-%d.bin", o->tmp, (int)getpid());
    int ret = image_write(image, NULL, 0, BATCH_TOTAL);
    ret = ret < 0 ? ret : probe_qemu(e, o->qemu, image);
    unlink(image);
    return ret;
}

/* jit, interp, exclusive, or jit+PROP=VALUE+...: accelerator properties, with + for the comma. */
static int init_manyhart(struct options *o, struct emulator *e)
{
    char accel[256];
    if (strcmp(e->name, "interp") == 0) {
        snprintf(accel, sizeof(accel), "tcg,backend=interp");
    } else if (strcmp(e->name, "exclusive") == 0) {
        snprintf(accel, sizeof(accel), "tcg,lrsc=exclusive");
    } else {
        snprintf(accel, sizeof(accel), "tcg%s", e->name + strlen("jit"));
    }
    for (char *p = accel; *p; p++) {
        *p = *p == '+' ? ',' : *p;
    }
    if (access(o->manyhart, X_OK) < 0) {
        perror(o->manyhart);
        return -1;
    }
    const char *args[] = {o->manyhart, "-M",         "virt",   "-cpu", manyhart_cpu, "-m",
                          "32M",       "-nographic", "-accel", accel,  "-bios",      NULL};
    add_args(e, args);
    return 0;
}

static int init_one(struct options *o, struct emulator *e, const char *name)
{
    e->name = strdup(name);
    if (strcmp(name, "qemu") == 0 || strcmp(name, "fault") == 0 || strcmp(name, "qemu2") == 0) {
        e->is_faulty = strcmp(name, "fault") == 0;
        return init_qemu(o, e);
    }
    if (strcmp(name, "interp") == 0 || strcmp(name, "exclusive") == 0 || strcmp(name, "jit") == 0 ||
        strncmp(name, "jit+", 4) == 0) {
        return init_manyhart(o, e);
    }
    fprintf(
        stderr,
        "torture: unknown emulator '%s' (jit, jit+PROP=VALUE, interp, exclusive, qemu, fault)\n",
        name);
    return -1;
}

int emulators_init(struct options *o)
{
    char *list = strdup(o->emulator_list);
    for (char *save, *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        if (o->nemulators == MAX_EMULATORS) {
            fprintf(stderr, "torture: at most %d emulators\n", MAX_EMULATORS);
            return -1;
        }
        if (init_one(o, &o->emulators[o->nemulators++], name) < 0) {
            return -1;
        }
    }
    free(list);
    return 0;
}
