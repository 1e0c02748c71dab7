// SPDX-License-Identifier: GPL-2.0-or-later
/* bench: what one exit costs, of each kind that a program can provoke. */
#include <cpuid.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "commands.h"
#include "grid.h"

#define DEFAULT_COUNT	10000

/* The POST code port of PCs: a write to it does nothing. */
#define DELAY_PORT	0x80

/* MSR IA32_APIC_BASE: every processor has it, and no hypervisor known here lets it through. */
#define APIC_BASE_MSR	0x1b

struct kind {
	const char *name;
	const char *reasons[2];		/* of each vendor */
	/* NULL: always possible; otherwise NULL or why not. */
	const char *(*prepare)(void);
	void (*run)(void);
	/* NULL, or the same for each BATCH of runs: this may be another CPU by now. */
	const char *(*follow)(void);
};

#define BATCH		100

static int msr_fd = -1;
static unsigned int msr_cpu;
static bool msr_failed;

static void run_nothing(void)
{
}

static void run_cpuid(void)
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid_count(0, 0, eax, ebx, ecx, edx);
}

static void write_port(void *unused)
{
	(void)unused;
	outb(0, DELAY_PORT);
}

static const char *prepare_port(void)
{
	if (!ioperm(DELAY_PORT, 1, 1))
		return runs_without_fault(write_port, NULL) ? NULL :
		       "faults, although the kernel has allowed it";
	return errno == EPERM ? "needs root's privileges (CAP_SYS_RAWIO)" :
	       "is not offered by the kernel (ioperm)";
}

static void run_port(void)
{
	write_port(NULL);
}

/* The device of the CPU that this runs on: reading another's would interrupt that one. */
static const char *follow_msr(void)
{
	char path[sizeof("/dev/cpu/4294967295/msr")];
	unsigned int cpu = 0;

	syscall(SYS_getcpu, &cpu, NULL, NULL);
	if (msr_fd >= 0 && cpu == msr_cpu)
		return NULL;
	if (msr_fd >= 0)
		close(msr_fd);
	msr_cpu = cpu;
	snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
	msr_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (msr_fd < 0)
		return errno == EACCES || errno == EPERM ? "needs root's privileges" :
		       "needs the kernel's module msr";
	return NULL;
}

static const char *prepare_msr(void)
{
	const char *why = follow_msr();
	uint64_t value;

	if (why)
		return why;
	return pread(msr_fd, &value, sizeof(value), APIC_BASE_MSR) == sizeof(value) ?
	       NULL : "the kernel refuses it";
}

static void run_msr(void)
{
	uint64_t value;

	if (pread(msr_fd, &value, sizeof(value), APIC_BASE_MSR) != sizeof(value))
		msr_failed = true;
}

static const struct kind kinds[] = {
	{ "nothing", { NULL, NULL }, .run = run_nothing },
	{ "CPUID", { "CPUID", "CPUID" }, .run = run_cpuid },
	{ "port write", { "IO_INSTRUCTION", "IOIO" }, .prepare = prepare_port, .run = run_port },
	/* With a system call around it, which "nothing" has not. */
	{ "MSR read", { "MSR_READ", "MSR" }, .prepare = prepare_msr, .run = run_msr, .follow = follow_msr },
};

#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

static const struct grid_column bench_columns[] = {
	{ "KIND", "kind", GRID_LEFT }, { "COUNT", "count", GRID_RIGHT },
	{ "MIN", "min_cycles", GRID_RIGHT }, { "MEDIAN", "median_cycles", GRID_RIGHT },
	{ "P99", "p99_cycles", GRID_RIGHT }, { "MEDIAN-NS", "median_ns", GRID_RIGHT },
	{ "EXITS", "exits", GRID_RIGHT }, { "IN-KVM", "kvm_cycles_per_exit", GRID_RIGHT },
	{ "COMPARED-NS", "compared_ns", GRID_RIGHT },
};

#define NR_BENCH_COLUMNS (sizeof(bench_columns) / sizeof(*bench_columns))

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static struct cell number(uint64_t value)
{
	return (struct cell){ .type = CELL_NUMBER, .number = value };
}

/* NULL, or why it could not go on. */
static const char *measure(const struct kind *kind, uint64_t *times, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const char *why = kind->follow && i % BATCH == 0 ? kind->follow() : NULL;
		uint64_t begin;

		if (why)
			return why;
		_mm_lfence();
		begin = __rdtsc();
		_mm_lfence();
		kind->run();
		_mm_lfence();
		times[i] = __rdtsc() - begin;
	}
	return msr_failed ? "could not be read any more" : NULL;
}

/* Guest TSC ticks in a nanosecond, by the time that all of it took. */
static double ticks_per_ns(uint64_t ticks, const struct timespec *begin)
{
	struct timespec end;
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &end);
	ns = (end.tv_sec - begin->tv_sec) * 1e9 + (end.tv_nsec - begin->tv_nsec);
	return ns > 0 ? ticks / ns : 0;
}

/* The list of kinds in what "bench --json" printed elsewhere; NULL, with a message: it is none. */
static struct json_object *read_compared(const char *path, struct json_object **doc)
{
	struct json_object *kinds;

	*doc = NULL;
	if (access(path, R_OK)) {
		warn("cannot open '%s'", path);
		return NULL;
	}
	*doc = json_object_from_file(path);
	if (json_object_object_get_ex(*doc, "kinds", &kinds) && json_object_is_type(kinds, json_type_array))
		return kinds;
	warnx("'%s' is not what 'cpuid-probe bench --json' prints", path);
	json_object_put(*doc);
	return NULL;
}

/* The median there, in ns: clocks of two machines have no unit in common but time. */
static struct cell compared(struct json_object *kinds, const char *name)
{
	struct json_object *kind, *ns;

	for (size_t i = 0; kinds && i < json_object_array_length(kinds); i++) {
		struct json_object *entry = json_object_array_get_idx(kinds, i);

		if (json_object_object_get_ex(entry, "kind", &kind) &&
		    json_object_is_type(kind, json_type_string) &&
		    !strcmp(json_object_get_string(kind), name) &&
		    json_object_object_get_ex(entry, "median_ns", &ns) &&
		    (json_object_is_type(ns, json_type_double) || json_object_is_type(ns, json_type_int)) &&
		    json_object_get_double(ns) >= 0 && json_object_get_double(ns) <= UINT64_MAX)
			return (struct cell){
				.type = CELL_REAL, .real = json_object_get_double(ns), .decimals = 1
			};
	}
	return (struct cell){ .type = CELL_NONE };
}

static int bench_kind(const struct kind *kind, struct source *src, uint64_t *times, uint32_t count,
		      struct json_object *there, struct grid *grid)
{
	struct cell cells[NR_BENCH_COLUMNS] = { { .type = CELL_NONE } };
	struct reading before, after;
	struct counters diff = { 0 };
	struct timespec begin;
	const char *why;
	uint64_t ticks;
	double rate;
	int err = reading_take(src, &before);

	if (err)
		return err;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ticks = __rdtsc();
	why = measure(kind, times, count);
	rate = ticks_per_ns(__rdtsc() - ticks, &begin);
	err = reading_take(src, &after);
	if (!err && has_counters(&before.d)) {
		err = reading_subtract(&before, &after, &diff);
		/* A restart costs only what the counters would have said. */
		if (err == -ESTALE)
			err = 0;
		reading_free(&after);
	}
	reading_free(&before);
	if (!err && why) {
		warnx("%s %s", kind->name, why);
		err = -EIO;
	}
	if (err) {
		counters_free(&diff);
		return err;
	}

	qsort(times, count, sizeof(*times), by_value);
	cells[0] = (struct cell){ .type = CELL_TEXT, .text = kind->name };
	cells[1] = number(count);
	cells[2] = number(times[0]);
	cells[3] = number(times[count / 2]);
	cells[4] = number(times[(uint64_t)count * 99 / 100]);
	if (rate > 0)
		cells[5] = (struct cell){
			.type = CELL_REAL, .real = times[count / 2] / rate, .decimals = 1
		};
	if (diff.nr_rows && kind->reasons[before.d.vendor]) {
		const struct counter *row = counters_find(&diff, kind->reasons[before.d.vendor]);

		cells[6] = number(row ? row->exits : 0);
		if (row && row->exits)
			cells[7] = number(row->cycles / row->exits);
	}
	counters_free(&diff);
	cells[8] = compared(there, kind->name);
	return grid_row(grid, cells);
}

int cmd_bench(struct source *src, struct options *opt)
{
	uint32_t count = opt->count ? opt->count : DEFAULT_COUNT;
	uint64_t *times = calloc(count, sizeof(*times));
	struct json_object *doc = NULL, *there = NULL;
	struct grid grid;
	int err;

	if (!times)
		return -ENOMEM;
	if (opt->compare) {
		there = read_compared(opt->compare, &doc);
		if (!there) {
			free(times);
			return EXIT_FAILURE;
		}
	}
	err = grid_begin(&grid, opt, "kinds", bench_columns, NR_BENCH_COLUMNS - !there);
	for (size_t i = 0; !err && i < NR_KINDS; i++) {
		const char *why = kinds[i].prepare ? kinds[i].prepare() : NULL;

		if (why)
			warnx("left out: %s %s", kinds[i].name, why);
		else
			err = bench_kind(&kinds[i], src, times, count, there, &grid);
	}
	if (msr_fd >= 0)
		close(msr_fd);
	free(times);
	json_object_put(doc);
	return grid_end(&grid, err);
}
