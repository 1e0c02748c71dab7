// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exit of a kind costs from guest instruction to guest instruction, in ticks of the host's TSC; where the TSC
 * counts instructions, as in some emulators, that many instructions.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <x86intrin.h>

#include <asm/kvm_exit_stats.h>

#include "options.h"
#include "tap.h"
#include "tests.h"

/*
 * Of a pair of runs, one with twice the exits of the other, the difference is that of the exits alone.  Few, or each
 * run is hit by the host's timer.
 */
#define EXITS		10

/*
 * A HLT that blocks, without a stretch in which the processor idles: whoever is to wake the vCPU runs only while the
 * vCPU sleeps, on the same processor, and the vCPU takes it over at once.  The end of the interrupt at the LAPIC is a
 * second exit, where the processor does not do that itself.
 */
static struct waker {
	struct vcpu *v;
	pthread_t thread;
	atomic_bool stop;
	cpu_set_t cpus_before;
} waker;

/* A priority of 0 is the usual policy. */
static int set_priority(int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param);
}

static const char *no_priorities(const struct vendor *vendor)
{
	if (set_priority(1))
		return "only root may set real-time priorities";
	set_priority(0);
	return NULL;
}

static void *wake(void *p)
{
	const struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR_IPI };

	set_priority(1);
	while (!waker.stop)
		if (ioctl(waker.v->vm->fd, KVM_SIGNAL_MSI, &msi) < 0)
			bail_out("KVM_SIGNAL_MSI: %s", strerror(errno));
	return NULL;
}

static void start_waker(struct vcpu *v)
{
	cpu_set_t one;

	vcpu_timer_on(v);
	/* Whether and how long KVM polls changes from HLT to HLT, and with it what they take. */
	vm_set_halt_polling(v->vm, 0);
	waker.v = v;
	waker.stop = false;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof(waker.cpus_before), &waker.cpus_before) ||
	    sched_setaffinity(0, sizeof(one), &one))
		bail_out("sched_setaffinity: %s", strerror(errno));
	set_priority(2);
	if (pthread_create(&waker.thread, NULL, wake, NULL))
		bail_out("cannot create a thread");
}

static void stop_waker(void)
{
	waker.stop = true;
	pthread_join(waker.thread, NULL);
	set_priority(0);
	sched_setaffinity(0, sizeof(waker.cpus_before), &waker.cpus_before);
}

static const char *run_hlt_wake(struct vcpu *v, unsigned int n)
{
	struct guest_result r = vcpu_call(v, (struct guest_call){ guest_hlt_wake, .r8 = n });

	return r.r15 == n ? NULL : "not each HLT was ended by one interrupt";
}

static const struct load load_hlt_wake = {
	.name = "hlt", .vm_flags = VM_IRQCHIP, .unavailable = no_priorities, .prepare = start_waker,
	.run = run_hlt_wake,
};

/* Beyond our leaves, with an entry: what tells them apart is on its way. */
static const char *run_cpuid_extended(struct vcpu *v, unsigned int n)
{
	vcpu_call(v, (struct guest_call){ guest_cpuid_loop, .r8 = n, .r9 = 0x80000000 });
	return NULL;
}

static const struct load load_cpuid_extended = { .name = "cpuid-extended", .run = run_cpuid_extended };

/* Nobody has this basic leaf: KVM looks for ours before it gives Intel's guests the highest basic one. */
static const char *run_cpuid_no_entry(struct vcpu *v, unsigned int n)
{
	vcpu_call(v, (struct guest_call){ guest_cpuid_loop, .r8 = n, .r9 = 0x20000000 });
	return NULL;
}

static const struct load load_cpuid_no_entry = { .name = "cpuid-no-entry", .run = run_cpuid_no_entry };

struct kind {
	const char *name;
	const struct load *load;
	bool fresh;		/* a VM serves one run */
	bool scheduled;		/* what the host's scheduler does is part of it */
	void (*end)(void);
};

static const struct kind kinds[] = {
	{ "cpuid", &load_cpuid_hypervisor },
	{ "cpuid-extended", &load_cpuid_extended },
	{ "cpuid-no-entry", &load_cpuid_no_entry },
	{ "pio-kernel", &load_pio_kernel },
	{ "pio-user", &load_pio_user },
	{ "msr-write", &load_msr_write },
	{ "msr-write-fast", &load_tsc_deadline },
	{ "self-ipi-fast", &load_self_ipi },
	{ "hypercall", &load_hypercall },
	{ "hlt-user", &load_hlt_user },
	{ "hlt", &load_hlt_wake, .scheduled = true, .end = stop_waker },
	{ "page-fault", &load_page_fault, .fresh = true },
	{ "mmio-user", &load_mmio },
	{ "interrupt-window", &load_window },
};

/* The VMs that are measured have no accounting, beside one that has. */
static bool beside;

static void choose_mode(struct vm *vm, uint64_t mode)
{
	if (vm_choose_mode(vm, mode, 0))
		bail_out("KVM does not let a VMM choose the accounting of a VM");
}

static struct vcpu *bench_vcpu(struct ctx *c, const struct load *load)
{
	struct vm *vm = new_cold_vm(c, load->vm_flags, 0);
	struct vcpu *v;

	if (beside)
		choose_mode(vm, KVM_EXIT_STATS_MODE_OFF);
	v = vm_add_vcpu(vm);
	vcpu_warm(v);
	if (load->prepare)
		load->prepare(v);
	return v;
}

static uint64_t time_run(const struct load *load, struct vcpu *v, unsigned int n)
{
	uint64_t start = __rdtsc(), end;
	const char *error = load->run(v, n);

	end = __rdtsc();
	if (error)
		bail_out("%s: %s", load->name, error);
	return end - start;
}

static uint64_t time_fresh(struct ctx *c, const struct load *load, unsigned int n)
{
	uint64_t time = time_run(load, bench_vcpu(c, load), n);

	destroy_vm(c);
	return time;
}

/* The least is a run in which the host did nothing else; the next says how sure that is. */
struct least {
	uint64_t first, second;
};

static void add_time(struct least *l, uint64_t time)
{
	if (time < l->first) {
		l->second = l->first;
		l->first = time;
	} else if (time < l->second) {
		l->second = time;
	}
}

/* Ticks of one exit, and how much more the next best took. */
struct measured {
	double ticks, spread;
};

/* Without a vCPU, each run has a VM of its own. */
static struct measured measure_load(struct ctx *c, const struct load *load, struct vcpu *v, unsigned int n,
				    unsigned int rounds)
{
	struct least once = { UINT64_MAX, UINT64_MAX }, twice = once;
	unsigned int i;

	if (v)
		time_run(load, v, n);
	for (i = 0; i < rounds; i++) {
		add_time(&once, v ? time_run(load, v, n) : time_fresh(c, load, n));
		add_time(&twice, v ? time_run(load, v, 2 * n) : time_fresh(c, load, 2 * n));
	}
	return (struct measured){
		((double)twice.first - (double)once.first) / n,
		(double)(twice.second - twice.first + once.second - once.first) / n,
	};
}

static struct measured measure_kind(struct ctx *c, const struct kind *kind, unsigned int n, unsigned int rounds)
{
	struct vcpu *v = kind->fresh ? NULL : bench_vcpu(c, kind->load);
	struct measured m = measure_load(c, kind->load, v, n, rounds);

	if (kind->end)
		kind->end();
	if (v)
		destroy_vm(c);
	return m;
}

static int compare_measured(const void *a, const void *b)
{
	const struct measured *x = a, *y = b;

	return x->ticks < y->ticks ? -1 : x->ticks > y->ticks;
}

/*
 * The scheduler ages its averages each 1024 us, which takes 150 instructions more or less: so few exits that some runs
 * fall between two of these.  And now and then a HLT need not wait, which would be the least: the median of many tries,
 * and as the spread, how far the middle half of them is from it.
 */
static struct measured measure_scheduled(struct ctx *c, const struct kind *kind, unsigned int rounds)
{
	enum { FEW = 3, REST_US = 200000, TRIES = 9, MEDIAN = TRIES / 2, LOW = TRIES / 4, HIGH = TRIES - 1 - LOW };
	struct measured m[TRIES];
	int i;

	for (i = 0; i < TRIES; i++) {
		/* Whatever else is to run shall have run: the scheduler would carry it along. */
		usleep(REST_US);
		m[i] = measure_kind(c, kind, FEW, rounds);
	}
	qsort(m, TRIES, sizeof(m[0]), compare_measured);
	m[MEDIAN].spread = m[HIGH].ticks - m[MEDIAN].ticks;
	if (m[MEDIAN].ticks - m[LOW].ticks > m[MEDIAN].spread)
		m[MEDIAN].spread = m[MEDIAN].ticks - m[LOW].ticks;
	return m[MEDIAN];
}

/* What a reader in the guest reads, in vcpu_data() as often as a run reads it. */
static size_t reading_length;

static const char *run_reading(struct vcpu *v, unsigned int n)
{
	vcpu_call(v, (struct guest_call){ guest_cpuid, .rdi = vcpu_data_gpa(v), .r8 = n * reading_length });
	return NULL;
}

static const struct load load_reading = { .name = "reading", .run = run_reading };

static void print_reading(const char *name, struct measured m)
{
	printf("%-20s %12.2f %12.2f %10zu\n", name, m.ticks, m.spread, reading_length);
	fflush(stdout);
}

static struct measured bench_reading(struct ctx *c, const char *name, struct vcpu *v, const struct leaf_read *reads,
				     size_t length, unsigned int n, unsigned int rounds)
{
	struct leaf_read *to = vcpu_data(v);
	struct measured m;
	unsigned int i;

	if (2 * n * length > MAX_READS)
		bail_out("%s does not fit in the guest's memory", name);
	for (i = 0; i < 2 * n; i++)
		memcpy(to + i * length, reads, length * sizeof(*reads));
	reading_length = length;
	m = measure_load(c, &load_reading, v, n, rounds);
	print_reading(name, m);
	return m;
}

/* Counts and cycles of all reasons that have exits, and of their sum. */
static void bench_tables(struct ctx *c, struct vcpu *v, unsigned int rounds)
{
	const struct vendor *vendor = c->vendor;
	struct leaf_read reads[2 * MAX_REASONS + 2];
	struct table t;
	size_t n = 0;
	int i;

	read_table(v, vendor, &t);
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	for (i = 0; i < vendor->nr; i++) {
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_COUNT, vendor->reasons[i] };
		if (t.count[i])
			reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_CYCLES, vendor->reasons[i] };
	}
	bench_reading(c, "table-required", v, reads, n, 1, rounds);

	n = 0;
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_RECORD };
	for (i = 0; i <= reason_index(vendor, vendor->reasons[vendor->nr - 1]) / KVM_EXIT_STATS_BITS_PER_LEAF; i++)
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_BITMAP, i };
	for (i = 0; i < vendor->nr; i++)
		if (t.count[i])
			reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_RECORD, vendor->reasons[i] };
	bench_reading(c, "table-extended", v, reads, n, 1, rounds);
}

/* vCPUs that need not run, but are summed. */
static void add_vcpus(struct vm *vm, int *fds, int from, int to)
{
	int i;

	for (i = from; i < to; i++) {
		fds[i] = ioctl(vm->fd, KVM_CREATE_VCPU, i);
		if (fds[i] < 0)
			bail_out("KVM_CREATE_VCPU %d: %s", i, strerror(errno));
	}
}

static void bench_vcpus(struct ctx *c, struct vcpu *v, unsigned int rounds)
{
	static const int nr_vcpus[] = { 1, 16, 256, 1024 };
	enum { MOST = 1024, OTHER_FILES = 100 };
	const struct rlimit files = { MOST + OTHER_FILES, MOST + OTHER_FILES };
	const struct leaf_read total = { KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	const struct leaf_read reason = { KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->cpuid };
	const struct leaf_read bitmap = { KVM_EXIT_STATS_CPUID_BITMAP };
	int fds[MOST], have = 1;
	char name[32];
	size_t i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		bail_out("setrlimit: %s: run it as root", strerror(errno));
	for (i = 0; i < sizeof(nr_vcpus) / sizeof(nr_vcpus[0]); i++) {
		add_vcpus(v->vm, fds, have, nr_vcpus[i]);
		have = nr_vcpus[i];
		snprintf(name, sizeof(name), "total-%d-vcpus", have);
		bench_reading(c, name, v, &total, 1, 2, rounds);
		snprintf(name, sizeof(name), "reason-%d-vcpus", have);
		bench_reading(c, name, v, &reason, 1, 2, rounds);
		snprintf(name, sizeof(name), "bitmap-%d-vcpus", have);
		/* So long that each run is hit by the host's timer: more of them would help nothing. */
		bench_reading(c, name, v, &bitmap, 1, 1, 2);
	}
	while (--have)
		close(fds[have]);
}

/* As run_mix(), for vCPUs that are only to have had such exits. */
static void use(struct ctx *c, struct vcpu *v, unsigned int n)
{
	const char *error = run_mix(c, v, n);

	if (error)
		bail_out("%s", error);
}

/*
 * Totals of vCPUs that have had exits of several reasons: while they rest, and when all of them have run since the last
 * reading, whose sums no longer hold then.
 */
static void bench_used(struct ctx *c, unsigned int rounds)
{
	const struct leaf_read total = { KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	enum { VCPUS = 16 };
	struct vm *vm = new_vm(c, 0, VCPUS);
	struct vcpu *reader = &vm->vcpus[0];
	struct least ran = { UINT64_MAX, UINT64_MAX }, rested = ran;
	struct measured m;
	unsigned int round;
	int i;

	for (i = 0; i < VCPUS; i++) {
		prepare_mix(c, &vm->vcpus[i]);
		use(c, &vm->vcpus[i], EXITS);
	}
	m = bench_reading(c, "total-16-used", reader, &total, 1, 2, rounds);

	for (round = 0; round < rounds; round++) {
		for (i = 1; i < VCPUS; i++)
			use(c, &vm->vcpus[i], 1);
		add_time(&ran, time_run(&load_reading, reader, 1));
		add_time(&rested, time_run(&load_reading, reader, 1));
	}
	m.ticks += (double)ran.first - (double)rested.first;
	m.spread += (double)(ran.second - ran.first + rested.second - rested.first);
	print_reading("total-16-ran", m);
	destroy_vm(c);
}

static void bench_readings(struct ctx *c, unsigned int rounds)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	struct leaf_read r = read_leaf(v, KVM_EXIT_STATS_CPUID_BASE, 0);

	if (leaf_is_signature(&r)) {
		printf("\n%-20s %12s %12s %10s\n", "READING", "TICKS", "SPREAD", "CPUIDS");
		prepare_mix(c, v);
		use(c, v, EXITS);
		bench_tables(c, v, rounds);
		bench_vcpus(c, v, rounds);
	}
	destroy_vm(c);
	if (leaf_is_signature(&r))
		bench_used(c, rounds);
}

void bench(const struct vendor *vendor, unsigned int rounds, bool beside_another)
{
	struct ctx c = { .vendor = vendor, .iterations = EXITS };
	struct measured m;
	size_t k;

	beside = beside_another;
	if (beside) {
		/* Without LAPICs in the kernel it would make KVM ask each time whether there is one. */
		struct vm *other = new_cold_vm(&c, VM_IRQCHIP, 0);

		choose_mode(other, KVM_EXIT_STATS_MODE_ON);
		vcpu_warm(vm_add_vcpu(other));
	}
	printf("%-20s %12s %12s\n", "EXIT", "TICKS", "SPREAD");
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct load *load = kinds[k].load;

		if (load->unavailable && load->unavailable(vendor))
			continue;
		if (kinds[k].scheduled)
			m = measure_scheduled(&c, &kinds[k], rounds);
		else
			m = measure_kind(&c, &kinds[k], EXITS, rounds);
		printf("%-20s %12.2f %12.2f\n", kinds[k].name, m.ticks, m.spread);
		fflush(stdout);
	}

	if (beside)
		destroy_vm(&c);
	else
		bench_readings(&c, rounds);
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void latency(const struct vendor *vendor, unsigned int rounds)
{
	struct ctx c = { .vendor = vendor, .iterations = EXITS };
	double ticks[MAX_ROUNDS];
	unsigned int i;
	size_t k;

	printf("%-20s %12s %12s %12s\n", "EXIT", "MEDIAN", "QUARTILE1", "QUARTILE3");
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct load *load = kinds[k].load;
		struct vcpu *v;

		if (load->unavailable && load->unavailable(vendor))
			continue;
		v = kinds[k].fresh ? NULL : bench_vcpu(&c, load);
		/* What only the first run pays for: memory, translations, caches. */
		if (v)
			time_run(load, v, EXITS);
		for (i = 0; i < rounds; i++)
			ticks[i] = (double)(v ? time_run(load, v, EXITS) : time_fresh(&c, load, EXITS)) / EXITS;
		if (kinds[k].end)
			kinds[k].end();
		if (v)
			destroy_vm(&c);
		qsort(ticks, rounds, sizeof(ticks[0]), compare_doubles);
		printf("%-20s %12.1f %12.1f %12.1f\n", kinds[k].name, ticks[rounds / 2], ticks[rounds / 4],
		       ticks[rounds - 1 - rounds / 4]);
		fflush(stdout);
	}
}

enum { SCALING_EXITS = 20000, SCALING_ROUNDS = 7 };

/* The n-th vCPU on the n-th CPU that we may use: a scheduler would put two on one now and then. */
static void pin_vcpu(const struct vcpu *v, const cpu_set_t *allowed)
{
	int nth = v->id % CPU_COUNT(allowed), cpu = 0;
	cpu_set_t one;

	while (!CPU_ISSET(cpu, allowed) || nth--)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		bail_out("sched_setaffinity: %s", strerror(errno));
}

/* In a thread that ends with it: nothing is to be put back. */
static void exit_often(struct vcpu *v, void *arg)
{
	pin_vcpu(v, arg);
	time_run(&load_cpuid_hypervisor, v, SCALING_EXITS);
}

void scaling(const struct vendor *vendor, int vcpus)
{
	const struct load *load = &load_cpuid_hypervisor;
	struct ctx c = { .vendor = vendor, .iterations = SCALING_EXITS };
	double rates[SCALING_ROUNDS];
	struct vcpu *all[MAX_VCPUS];
	struct timespec start, end;
	cpu_set_t allowed;
	int n, i;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		bail_out("sched_getaffinity: %s", strerror(errno));
	printf("%-6s %12s %12s %12s\n", "VCPUS", "EXITS/S", "LEAST", "GREATEST");
	for (n = 1; n <= vcpus; n++) {
		struct vm *vm = new_vm(&c, load->vm_flags, n);

		for (i = 0; i < n; i++) {
			all[i] = &vm->vcpus[i];
			if (load->prepare)
				load->prepare(all[i]);
		}
		run_threads(all, n, exit_often, &allowed, NULL);
		for (i = 0; i < SCALING_ROUNDS; i++) {
			clock_gettime(CLOCK_MONOTONIC, &start);
			run_threads(all, n, exit_often, &allowed, NULL);
			clock_gettime(CLOCK_MONOTONIC, &end);
			rates[i] = (double)n * SCALING_EXITS /
				   (double)(end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) * 1e-9);
		}
		destroy_vm(&c);
		qsort(rates, SCALING_ROUNDS, sizeof(rates[0]), compare_doubles);
		printf("%-6d %12.0f %12.0f %12.0f\n", n, rates[SCALING_ROUNDS / 2], rates[0], rates[SCALING_ROUNDS - 1]);
		fflush(stdout);
	}
}
