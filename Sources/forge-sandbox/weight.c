// What a step weighs while there are not cores enough for everybody: less, once it takes more than others do.
//
// Equal weights are no equal shares: the kernel divides a group's weight among the cores that its processes are on, so beside a step
// that spins on every core a step of one process gets all of a core or half of it, as chance has put them. So ten times a second each
// helper looks what its step and its neighbours have used. One above the mean weighs half as much as before, one below it a quarter
// more again, within bounds; all of them grow heavier while cores are idle or busy with what is not Forge's. A step that has the machine
// to itself and uses more than half of it weighs little before anybody else has come: who comes then has a fair share at once, and
// still when it took Forge half a second of another's cores to make its sandbox, which is why weight is lost faster than it comes back.
#define _GNU_SOURCE
#include "sandbox.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// In the unit of v1's `cpu.shares`; the first is everybody's weight to begin with, the second still a sixteenth of a core's worth.
enum { FULL_WEIGHT = 1024, LEAST_WEIGHT = 64, MOST_GROUPS = 256 };

struct group {
    ino_t id;
    double used;  // seconds of all cores together
};

// What was used up to a moment.
struct look {
    double at;
    struct group groups[MOST_GROUPS];
    size_t count;
    int has_own;  // which is the first of them, then
};

static int read_line(const char *path, const char *key, char *line, int size) {
    FILE *file = fopen(path, "re");
    int found = 0;
    while (file && !found && fgets(line, size, file)) found = !strncmp(line, key, strlen(key));
    if (file) fclose(file);
    return found;
}

// Of the group at `path` below the hierarchy's root; negative when nobody can tell.
static double seconds_used(const char *path) {
    static const char key[] = "usage_usec ";
    char file[PATH_MAX + 32], line[128];
    if (has_unified_groups()) {
        snprintf(file, sizeof file, GROUPS "/%s/cpu.stat", path);
        return read_line(file, key, line, sizeof line) ? strtod(line + sizeof key - 1, NULL) / 1e6 : -1;
    }
    snprintf(file, sizeof file, GROUPS "/cpuacct/%s/cpuacct.usage", path);
    return read_line(file, "", line, sizeof line) ? strtod(line, NULL) / 1e9 : -1;
}

// Every group of Forge's beside that of `cgroup`, and that itself.
static void look_around(const char *cgroup, struct look *look) {
    const char *slash = strrchr(cgroup, '/'), *own = slash ? slash + 1 : cgroup;
    int length = slash ? (int)(slash - cgroup) : 0;
    char path[PATH_MAX];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    look->at = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    look->count = 0;
    look->has_own = 0;
    snprintf(path, sizeof path, GROUPS "%s/%.*s", has_unified_groups() ? "" : "/cpuacct", length, cgroup);
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && look->count < MOST_GROUPS && (entry = readdir(directory));) {
        if (strncmp(entry->d_name, "forge-", 6)) continue;
        snprintf(path, sizeof path, "%.*s/%s", length, cgroup, entry->d_name);
        double used = seconds_used(path);
        if (used < 0) continue;
        look->groups[look->count] = (struct group){entry->d_ino, used};
        if (!strcmp(entry->d_name, own)) {
            look->has_own = 1;
            struct group first = look->groups[0];
            look->groups[0] = look->groups[look->count];
            look->groups[look->count] = first;
        }
        look->count++;
    }
    if (directory) closedir(directory);
}

static double rise(const struct look *before, const struct group *group) {
    for (size_t i = 0; i < before->count; i++)
        if (before->groups[i].id == group->id) return group->used - before->groups[i].used;
    return 0;  // it has only just come
}

// What its step is to weigh that weighed `weight` in between.
static int weigh(const struct look *before, const struct look *now, int weight) {
    int heavier = weight * 5 / 4 < FULL_WEIGHT ? weight * 5 / 4 : FULL_WEIGHT;
    int lighter = weight / 2 > LEAST_WEIGHT ? weight / 2 : LEAST_WEIGHT;
    double elapsed = now->at - before->at, capacity = elapsed * (double)sysconf(_SC_NPROCESSORS_ONLN), own = 0, all = 0;
    int busy = 0;
    for (size_t i = 0; i < now->count; i++) {
        double used = rise(before, &now->groups[i]);
        if (i == 0) own = used;
        if (i > 0 && used < elapsed / 50) continue;
        all += used;
        busy++;
    }
    if (all < capacity * 0.8) return heavier;
    // The band between keeps two that are even from taking turns; that it lies above the mean, all of them from growing light together.
    double mean = busy > 1 ? all / busy : capacity / 2;
    return own > mean * 1.1 ? lighter : own < mean ? heavier : weight;
}

// Without the right to do so the step keeps the weight it has.
static void set_weight(const char *cgroup, int weight) {
    char path[PATH_MAX], text[16];
    snprintf(path, sizeof path, GROUPS "/%s%s/%s", has_unified_groups() ? "" : "cpu/", cgroup, has_unified_groups() ? "cpu.weight" : "cpu.shares");
    int length = snprintf(text, sizeof text, "%d", has_unified_groups() ? weight * 100 / FULL_WEIGHT : weight);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, text, (size_t)length);
    close(fd);
}

// To be called about ten times a second, for one group.
void balance_weight(const char *cgroup) {
    static struct look looks[2];
    static int turn, weight = FULL_WEIGHT;
    struct look *before = &looks[turn], *now = &looks[turn ^ 1];
    look_around(cgroup, now);
    turn ^= 1;
    if (!before->has_own || !now->has_own) return;
    int next = weigh(before, now, weight);
    if (next != weight) set_weight(cgroup, next);
    weight = next;
}

// What a step is shown in its place, for runtimes of languages that count cores by it (the JVM did until 18).
const char *shown_weight(void) { return has_unified_groups() ? "100\n" : "1024\n"; }
const char *place_of_weight(void) { return has_unified_groups() ? GROUPS "/cpu.weight" : GROUPS "/cpu/cpu.shares"; }
