// SPDX-License-Identifier: GPL-2.0-or-later
/* Times, against clocks that are not ours. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

#include "stats.h"
#include "tests.h"
#include "tracepoint.h"

#define SLOW_EXITS	10
#define SLOW_MS		100
#define BIG_EXIT	1000000		/* TSC ticks: from here on the difference must be below 1 % */
#define PAIRED_HALTS	200
#define HALT_TICKS	100000
#define HOG_MS		500
/* Instructions that the tracepoints take more where they are in the way of other code. */
#define TRACEPOINTS_MORE	200
/* Of a guest that only spins, less than this part of the time is cycles: its host's interrupts take some. */
#define GUEST_PART	4
#define TSC_JUMP	(1ull << 40)	/* ticks */
/* Clocks other than the TSC are scaled by the kernel's own idea of its rate. */
#define CLOCK_PERCENT	3

struct times {
	uint64_t cycles, away;
};

static struct times read_times(struct vcpu *v, uint32_t reason)
{
	struct leaf_read r[2] = {
		{ KVM_EXIT_STATS_CPUID_REASON_CYCLES, reason }, { KVM_EXIT_STATS_CPUID_AWAY, reason },
	};

	read_leaves(v, r, 2);
	return (struct times){ leaf_cycles(&r[0]), low_high(r[1].eax, r[1].ebx) };
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* How many of sorted values are the most frequent one. */
static size_t mode_of(const uint64_t *values, size_t nr, uint64_t *mode)
{
	size_t best = 0, run = 0, i;

	for (i = 0; i < nr; i++) {
		run = i && values[i] == values[i - 1] ? run + 1 : 1;
		if (run > best) {
			best = run;
			*mode = values[i];
		}
	}
	return best;
}

/*
 * Our stretch begins just before kvm_exit fires and ends just after kvm_entry has: it is longer, by the time that the
 * two tracepoints themselves take: about what an exit takes more with them than without.  Where the TSC counts
 * instructions it is the same to the instruction for each exit of a kind; only where the vCPU has @blocked, and another
 * task has run meanwhile, the tracepoints' own time varies.
 */
static enum verdict check_constant(const struct ctx *c, const char *kind, uint64_t *differences, size_t nr,
				   uint64_t tracepoints, bool blocked)
{
	uint64_t most = (blocked ? 2 : 1) * tracepoints + TRACEPOINTS_MORE;
	uint64_t mode = 0, median, sum = 0;
	size_t same, i;

	for (i = 0; i < nr; i++)
		sum += differences[i];
	qsort(differences, nr, sizeof(*differences), compare_u64);
	same = mode_of(differences, nr, &mode);
	median = differences[nr / 2];
	note("%s: %zu exits, away cycles exceed kvm_exit to kvm_entry by %llu to %llu, median %llu; %zu times by %llu",
	     kind, nr, (unsigned long long)differences[0], (unsigned long long)differences[nr - 1],
	     (unsigned long long)median, same, (unsigned long long)mode);
	/* Below zero is a huge number here, and comes last. */
	if ((int64_t)differences[nr - 1] < 0)
		return fail("%s: an exit has fewer away cycles than from kvm_exit to kvm_entry", kind);
	if (c->instruction_clock && !blocked && same != nr)
		return fail("%s: the difference to the tracepoints is not constant: %zu exits are off", kind, nr - same);
	if (c->instruction_clock && differences[nr - 1] - differences[0] > tracepoints)
		return fail("%s: the difference varies by more than the tracepoints take, which is %llu", kind,
			    (unsigned long long)tracepoints);
	if (c->instruction_clock && (median > most || sum > nr * most))
		return fail("%s: the difference is more than the tracepoints take, which is %llu, in sum %llu", kind,
			    (unsigned long long)tracepoints, (unsigned long long)sum);
	if (differences[nr * 9 / 10] > 4 * median)
		return fail("%s: one of ten exits has more than four times the usual difference", kind);
	return PASS;
}

/* Exits of a kind, each with a read of its reason's away cycles: by the CPUID after it, or by itself if it is that. */
struct paired {
	const char *kind;
	const char *rip;
	uint32_t reason;
	unsigned int vm_flags;
	uint32_t r9, r10;
	uint32_t max;		/* exits; 0: no limit */
	unsigned int io_delay_us;
	bool reads_itself;	/* then a read holds the exits before it only */
	bool leaves;		/* for user space: not all of its time is work */
	bool blocks;		/* likewise */
	void (*prepare)(struct vcpu *v);
	const char *(*unavailable)(const struct vendor *vendor);
};

static uint64_t to_ticks(struct vcpu *v, uint64_t ns)
{
	return (uint64_t)((__uint128_t)ns * vcpu_tsc_khz(v) / 1000000);
}

/* How long this thread has waited for a CPU that others had, in ns; -1 if the kernel does not say. */
static int64_t run_delay(void)
{
	unsigned long long ran, waited;
	int n = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "re");

	if (f) {
		n = fscanf(f, "%llu %llu", &ran, &waited);
		fclose(f);
	}
	return n == 2 ? (int64_t)waited : -1;
}

/* How long a call of the guest takes, in ticks. */
static uint64_t call_ticks(struct vcpu *v, struct guest_call call)
{
	uint64_t start = __builtin_ia32_rdtsc();

	vcpu_call(v, call);
	return __builtin_ia32_rdtsc() - start;
}

/* *tracepoints is what two of them take, in ticks: the first kind finds it out. */
static enum verdict each_exit(struct ctx *c, const struct paired *p, uint64_t *tracepoints)
{
	uint32_t n = c->iterations < MAX_READS ? c->iterations : MAX_READS, i;
	struct vcpu *v = &new_vm(c, p->vm_flags, 1)->vcpus[0];
	uint64_t differences[MAX_READS];
	struct leaf_read reads[MAX_READS];
	const struct trace_pair *pair;
	enum verdict verdict = PASS;
	struct times before, after;
	struct trace_pair *pairs;
	struct guest_call call;
	uint64_t untraced = 0, traced, away, length;
	unsigned int big = 0;
	int64_t waited, both, gap;
	const char *error;
	size_t nr, first;

	if (p->unavailable && p->unavailable(c->vendor))
		return PASS;
	if (p->prepare)
		p->prepare(v);
	if (p->max && n > p->max)
		n = p->max;
	v->io_delay_us = p->io_delay_us;
	for (i = 0; i < n; i++)
		reads[i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_AWAY, p->reason };
	waited = run_delay();
	before = read_times(v, p->reason);
	memcpy(vcpu_data(v), reads, n * sizeof(*reads));
	call = (struct guest_call){ p->rip, .rdi = vcpu_data_gpa(v), .rsi = GUEST_PAGES, .r8 = n, .r9 = p->r9,
				    .r10 = p->r10 };
	if (!*tracepoints)
		untraced = call_ticks(v, call);
	error = trace_pairs_start(p->reason);
	if (error)
		return skip("%s", error);
	traced = call_ticks(v, call);
	if (!*tracepoints)
		*tracepoints = traced > untraced ? (traced - untraced) / n : 1;
	pairs = trace_pairs_read(&nr);
	tracepoint_stop();
	memcpy(reads, vcpu_data(v), n * sizeof(*reads));
	if (!pairs)
		return fail("%s: the trace cannot be read", p->kind);
	/*
	 * Who stays in the kernel: but for another task that took the CPU, all of that time is work.  Not for port
	 * I/O, as the end of the call is one that does leave.  The CPUID that reads cycles is in the away cycles
	 * already that the next one reads: a long one there makes the gap less than none.
	 */
	after = read_times(v, p->reason);
	away = after.away - before.away;
	gap = (int64_t)(away - (after.cycles - before.cycles));
	waited = waited < 0 ? 0 : to_ticks(v, run_delay() - waited);
	if (!p->leaves && !p->blocks && gap > (int64_t)away / 10 + waited) {
		free(pairs);
		return fail("%s: %lld of %llu away cycles are not cycles, of exits that never left the kernel; others had "
			    "the CPU for %lld", p->kind, (long long)gap, (unsigned long long)away, (long long)waited);
	}
	/* Where nothing but instructions takes time, not one tick is missing; a CPUID misses its own, see above. */
	if (c->instruction_clock && !p->leaves && !p->blocks && !waited && gap > (p->reads_itself ? (int64_t)away / n * 2 : 0)) {
		free(pairs);
		return fail("%s: %lld of %llu away cycles are not cycles, although nothing else ran", p->kind,
			    (long long)gap, (unsigned long long)away);
	}
	/* The end of the call is an exit that is not followed by an entry. */
	if (nr != n) {
		free(pairs);
		return fail("%s: %u exits made, %zu traced", p->kind, n, nr);
	}
	for (i = 0; i + 1 < n; i++) {
		pair = &pairs[p->reads_itself ? i : i + 1];
		differences[i] = low_high(reads[i + 1].eax, reads[i + 1].ebx) - low_high(reads[i].eax, reads[i].ebx) -
				 (pair->entry - pair->exit);
	}
	/*
	 * A task that took the CPU between an exit and what it reads: what was billed until then is in the read before,
	 * and only the sum of the two says something.  Where the TSC counts instructions, only if there was one.
	 */
	for (i = 1; i + 1 < n && (!c->instruction_clock || waited); i++) {
		if ((int64_t)differences[i] >= 0)
			continue;
		both = (int64_t)(differences[i - 1] + differences[i]) / 2;
		differences[i - 1] = both;
		differences[i] = both;
	}
	/* What is in the first one's read before is in none here. */
	first = n > 2 && (int64_t)differences[0] < 0;
	/* Beside exits this long, what the tracepoints take hardly counts, unless chance has made them long. */
	for (i = first; i + 1 < n; i++) {
		pair = &pairs[p->reads_itself ? i : i + 1];
		length = pair->entry - pair->exit;
		if (length < BIG_EXIT || (!c->instruction_clock && !p->io_delay_us))
			continue;
		big++;
		if (differences[i] > length / 100) {
			verdict = fail("%s: away cycles of an exit of %llu are off by %llu, 1 %% or more", p->kind,
				       (unsigned long long)length, (unsigned long long)differences[i]);
			n = 0;
		}
	}
	if (big)
		note("%s: %u exits of a million cycles or more, each off by less than 1 %%", p->kind, big);
	if (n && p->io_delay_us && big < n - 1 - first)
		verdict = skip("%s: the exits are not as long as they should be", p->kind);
	if (n > 1 && verdict == PASS)
		verdict = check_constant(c, p->kind, differences + first, n - 1 - first, *tracepoints,
					 p->blocks);
	free(pairs);
	return verdict;
}

enum verdict test_time_oracle(struct ctx *c, const struct test *test)
{
	const struct vendor *vendor = c->vendor;
	const struct paired kinds[] = {
		{ "CPUID", guest_cpuid, vendor->cpuid, .reads_itself = true },
		{ "a port in the kernel", guest_in_cpuid, vendor->io, VM_IRQCHIP, PORT_PIC_MASK, .leaves = true },
		{ "a port in user space", guest_in_cpuid, vendor->io, 0, PORT_USER, .leaves = true },
		{ "an MSR write", guest_wrmsr_cpuid, vendor->msr_write, 0, MSR_POLL_CONTROL },
		/* A deadline that never comes; VMX re-enters the guest in the fast path. */
		{ "a TSC deadline", guest_wrmsr_cpuid, vendor->msr_write, VM_IRQCHIP, MSR_TSC_DEADLINE, 1 << 30,
		  .prepare = load_tsc_deadline.prepare, .unavailable = load_tsc_deadline.unavailable },
		{ "a hypercall", vendor->id == KVM_EXIT_STATS_VMX ? guest_vmcall_cpuid : guest_vmmcall_cpuid,
		  vendor->vmcall },
		{ "a page fault", guest_touch_cpuid, vendor->page_fault,
		  .unavailable = load_page_fault.unavailable },
		{ "a HLT", guest_hlt_cpuid, vendor->hlt, VM_IRQCHIP, HALT_TICKS, .max = PAIRED_HALTS, .blocks = true,
		  .prepare = load_hlt.prepare, .unavailable = load_hlt.unavailable },
		/* A busy machine may skip this one: the last. */
		{ "a slow port in user space", guest_in_cpuid, vendor->io, 0, PORT_USER, .max = SLOW_EXITS,
		  .io_delay_us = SLOW_MS * 1000, .leaves = true },
	};
	enum verdict verdict;
	uint64_t tracepoints = 0;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		verdict = each_exit(c, &kinds[i], &tracepoints);
		if (verdict != PASS)
			return verdict;
		destroy_vm(c);
	}
	note("an exit takes %llu ticks more with the tracepoints than without", (unsigned long long)tracepoints);
	return PASS;
}

/* A vCPU's statistic with one value; -1 if it is not there. */
static int64_t vcpu_stat(struct vcpu *v, const char *name)
{
	int fd = vcpu_stats_fd(v);
	struct stats *s = fd < 0 ? NULL : stats_open(fd);
	struct stat_desc desc;
	uint64_t value;
	bool found;

	if (!s)
		return -1;
	found = !stats_find(s, name, &desc) && stats_read(s, &desc, &value, 1) == 1;
	stats_close(s);
	return found ? (int64_t)value : -1;
}

/* What happened in a number of HLTs, in ticks; KVM's clocks, and the scheduler's, beside ours. */
struct halts {
	uint64_t cycles, gap;		/* ours */
	uint64_t polled, blocked;	/* KVM's */
	uint64_t waited;		/* for a CPU that others had, asleep or not; 0 if the kernel does not say */
};

/* Up to now.  Returns false if KVM has no such statistics. */
static bool read_halts(struct vcpu *v, uint32_t reason, struct halts *h)
{
	int64_t success = vcpu_stat(v, "halt_poll_success_ns"), fail = vcpu_stat(v, "halt_poll_fail_ns");
	int64_t wait = vcpu_stat(v, "halt_wait_ns"), delay = run_delay();
	struct times t = read_times(v, reason);

	if (success < 0 || fail < 0 || wait < 0)
		return false;
	*h = (struct halts){
		.cycles = t.cycles, .gap = t.away - t.cycles, .polled = to_ticks(v, success + fail),
		.blocked = to_ticks(v, wait), .waited = delay < 0 ? 0 : to_ticks(v, delay),
	};
	return true;
}

/*
 * A HLT with polling: KVM counts how long it polled and how long it blocked.  The first is work of the CPU, inside the
 * HLT's cycles, the second only in the away cycles.  What takes the CPU from all of this for a while (another task, the
 * layer below a virtual host) may fall between two clocks: what is true must be so in most batches, not in each.  And a
 * HLT takes long beside what KVM does before and after it within its own clock, which an emulated host is slow at.
 */
enum verdict test_halt_polling(struct ctx *c, const struct test *test)
{
	enum { BATCHES = 9, HALTS = 16, HALT_US = 3000, POLL_NS = 50000000 /* at most */ };
	const unsigned int odd = c->instruction_clock ? 0 : BATCHES / 2;
	unsigned int few_cycles = 0, short_gaps = 0, long_gaps = 0, i;
	const char *error = load_hlt.unavailable(c->vendor);
	struct vcpu *v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];
	struct halts h, now, sum = { 0 };

	if (error)
		return skip("%s", error);
	if (vm_set_halt_polling(v->vm, 0))
		return skip("KVM has no halt polling that a VMM can set");
	vcpu_timer_on(v);
	if (!read_halts(v, c->vendor->hlt, &h))
		return skip("KVM has no statistics of halt polling");
	for (i = 0; i < BATCHES; i++) {
		/* All block; then some, until KVM has found out for how long to poll. */
		vm_set_halt_polling(v->vm, 0);
		error = halt_for(v, HALTS, HALT_US);
		vm_set_halt_polling(v->vm, POLL_NS);
		if (!error)
			error = halt_for(v, HALTS, HALT_US);
		if (error)
			return fail("%s", error);
		read_halts(v, c->vendor->hlt, &now);
		h = (struct halts){
			now.cycles - h.cycles, now.gap - h.gap, now.polled - h.polled, now.blocked - h.blocked,
			now.waited - h.waited,
		};
		few_cycles += h.cycles < h.polled * (100 - CLOCK_PERCENT) / 100;
		/* The one begins a bit earlier than the other: waking up is in both. */
		short_gaps += h.gap < h.blocked / 4 * 3;
		long_gaps += h.gap > h.blocked * (100 + CLOCK_PERCENT) / 100 + h.waited;
		sum.cycles += h.cycles;
		sum.gap += h.gap;
		sum.polled += h.polled;
		sum.blocked += h.blocked;
		sum.waited += h.waited;
		h = now;
	}
	note("HLT: %llu cycles, of them polling %llu; %llu more away, blocked %llu, waited for a CPU %llu",
	     (unsigned long long)sum.cycles, (unsigned long long)sum.polled, (unsigned long long)sum.gap,
	     (unsigned long long)sum.blocked, (unsigned long long)sum.waited);
	if (!sum.polled || !sum.blocked)
		return skip("KVM %s", sum.polled ? "never blocked" : "did not poll");
	if (few_cycles > odd)
		return fail("HLT: in %u of %d batches fewer cycles than KVM polled for", few_cycles, BATCHES);
	if (short_gaps > odd)
		return fail("HLT: in %u of %d batches away for less than KVM blocked", short_gaps, BATCHES);
	if (long_gaps > odd)
		return fail("HLT: in %u of %d batches away for more than KVM blocked", long_gaps, BATCHES);
	return PASS;
}

/* In all of the exits the VMM moves the guest's TSC far ahead; where KVM can scale it, it has half the rate as well. */
enum verdict test_guest_tsc(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	uint64_t khz = vcpu_tsc_khz(v), start, elapsed, away, guest;
	bool scaled = kvm_has(KVM_CAP_TSC_CONTROL);
	struct times before, after;
	const char *error;

	if (scaled)
		vcpu_set_tsc_khz(v, khz / 2);
	if (read_leaf(v, KVM_EXIT_STATS_CPUID_FEATURES, 0).ecx != khz)
		return fail("the host's TSC has %llu kHz, the leaf says otherwise", (unsigned long long)khz);
	v->io_delay_us = SLOW_MS * 1000;
	v->tsc_jump = TSC_JUMP;
	guest = vcpu_tsc(v);
	start = __builtin_ia32_rdtsc();
	before = read_times(v, c->vendor->io);
	error = load_pio_user.run(v, SLOW_EXITS);
	after = read_times(v, c->vendor->io);
	elapsed = __builtin_ia32_rdtsc() - start;
	guest = vcpu_tsc(v) - guest;
	if (error)
		return fail("%s", error);
	away = after.away - before.away;
	note("%llu ticks on the host, away %llu, cycles %llu; %llu in the guest%s", (unsigned long long)elapsed,
	     (unsigned long long)away, (unsigned long long)(after.cycles - before.cycles), (unsigned long long)guest,
	     scaled ? ", at half the rate" : "; its rate was not tried: KVM cannot scale it here");
	/* The guest itself does next to nothing. */
	if (away > elapsed || away < elapsed / 4 * 3)
		return fail("away for %llu ticks of %llu", (unsigned long long)away, (unsigned long long)elapsed);
	if (after.cycles - before.cycles > away)
		return fail("more cycles than away cycles");
	if (guest < SLOW_EXITS * TSC_JUMP)
		return skip("true, but KVM did not let the VMM move the guest's TSC");
	return PASS;
}

static pid_t start_hog(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* Not to outlive a test that is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_totals(struct vcpu *v, struct times *t)
{
	struct leaf_read r[2] = { { KVM_EXIT_STATS_CPUID_TOTAL_CYCLES }, { KVM_EXIT_STATS_CPUID_TOTAL_AWAY } };

	read_leaves(v, r, 2);
	*t = (struct times){ leaf_cycles(&r[0]), low_high(r[1].eax, r[1].ebx) };
}

static enum verdict check_hog(struct vcpu *v)
{
	struct times before, after;
	uint64_t start, elapsed, gap, cycles;
	int64_t waited = run_delay();

	if (waited < 0)
		return skip("the kernel has no schedstat");
	read_totals(v, &before);
	start = now_ns();
	while (now_ns() - start < HOG_MS * 1000000ull)
		vcpu_call(v, (struct guest_call){ guest_spin, .r8 = HOG_MS * vcpu_tsc_khz(v) / 10 });
	elapsed = to_ticks(v, now_ns() - start);
	waited = (int64_t)to_ticks(v, run_delay() - waited);
	read_totals(v, &after);
	cycles = after.cycles - before.cycles;
	gap = after.away - before.away - cycles;
	note("a hog on the same CPU: %llu ticks, waited %lld, cycles %llu, away for %llu more",
	     (unsigned long long)elapsed, (long long)waited, (unsigned long long)cycles, (unsigned long long)gap);
	if ((uint64_t)waited < elapsed / 10)
		return skip("the other task did not get the CPU");
	/* Between calls this thread is away, too, in user space: far less than the hog takes. */
	if (gap < (uint64_t)waited / 4 * 3 || gap > elapsed)
		return fail("waited for a CPU for %lld ticks, and away for %llu more than the cycles", (long long)waited,
			    (unsigned long long)gap);
	/* The guest only spins: little of what this thread has had is cycles. */
	if (cycles > (elapsed - (uint64_t)waited) / GUEST_PART)
		return fail("%llu cycles of %llu ticks, of which another task had %lld", (unsigned long long)cycles,
			    (unsigned long long)elapsed, (long long)waited);
	return PASS;
}

/*
 * Of a guest that stays in guest mode by its own clock, nearly nothing is handling.  Another task that takes the CPU
 * from it is away time, and not in cycles; the host's interrupts are, but not that many in each of several tries.
 */
enum verdict test_guest_time(struct ctx *c, const struct test *test)
{
	enum { TRIES = 9, SPIN_MS = 40 };
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	uint64_t spin = SPIN_MS * vcpu_tsc_khz(v), cycles, least = UINT64_MAX;
	struct times before, after;
	int i;

	for (i = 0; i < TRIES; i++) {
		read_totals(v, &before);
		vcpu_call(v, (struct guest_call){ guest_spin, .r8 = spin });
		read_totals(v, &after);
		cycles = after.cycles - before.cycles;
		if (cycles < least)
			least = cycles;
	}
	note("%llu ticks in guest mode, %llu cycles", (unsigned long long)spin, (unsigned long long)least);
	if (!least)
		return fail("no time at all was counted");
	if (least > spin / GUEST_PART)
		return fail("%llu cycles at the least, while the guest ran for %llu ticks without an exit of its own",
			    (unsigned long long)least, (unsigned long long)spin);
	return PASS;
}

enum verdict test_cpu_hog(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	enum verdict verdict;
	cpu_set_t all, one;
	pid_t hog;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return skip("cannot stay on one CPU: %s", strerror(errno));
	fflush(stdout);
	hog = start_hog();
	if (hog < 0) {
		verdict = skip("cannot start another process: %s", strerror(errno));
	} else {
		verdict = check_hog(v);
		kill(hog, SIGKILL);
		waitpid(hog, NULL, 0);
	}
	sched_setaffinity(0, sizeof(all), &all);
	return verdict;
}

struct mover {
	pthread_t thread;
	pid_t tid;
	cpu_set_t cpus[2];	/* one CPU each */
	unsigned int moves;
	atomic_bool stop;
};

static void *move(void *p)
{
	struct mover *m = p;

	while (!m->stop) {
		sched_setaffinity(m->tid, sizeof(m->cpus[0]), &m->cpus[m->moves++ % 2]);
		usleep(500);
	}
	return NULL;
}

/* The first two CPUs that this thread may use; false if there is one only. */
static bool two_cpus(const cpu_set_t *all, cpu_set_t cpus[2])
{
	int cpu, n = 0;

	for (cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++) {
		if (!CPU_ISSET(cpu, all))
			continue;
		CPU_ZERO(&cpus[n]);
		CPU_SET(cpu, &cpus[n++]);
	}
	return n == 2;
}

/*
 * The thread is moved by another one, wherever it is at that moment: a stretch of handling begins and ends on one CPU,
 * a gap may not.
 */
enum verdict test_migration(struct ctx *c, const struct test *test)
{
	enum { ROUNDS = 20 };
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	struct mover m = { .tid = gettid() };
	struct times start, end, now, last;
	struct table before, after;
	struct expected e;
	uint64_t elapsed;
	cpu_set_t all;
	int i;

	sched_getaffinity(0, sizeof(all), &all);
	if (!two_cpus(&all, m.cpus))
		return skip("this machine has one CPU");
	read_table(v, c->vendor, &before);
	expect_start(&e, c, &before);
	if (pthread_create(&m.thread, NULL, move, &m))
		bail_out("cannot create a thread");
	elapsed = now_ns();
	read_totals(v, &start);
	last = start;
	for (i = 0; i < ROUNDS; i++) {
		load_cpuid.run(v, c->iterations);
		load_pio_user.run(v, c->iterations);
		vcpu_call(v, (struct guest_call){ guest_spin, .r8 = vcpu_tsc_khz(v) });
		read_totals(v, &now);
		if (now.cycles < last.cycles || now.away < last.away)
			break;
		last = now;
		expect_load(&e, c, &load_cpuid, c->iterations);
		expect_load(&e, c, &load_pio_user, c->iterations);
		expect_more(&e, c, c->vendor->io, 2);
		expect_more(&e, c, c->vendor->cpuid, 2);
	}
	end = now;
	elapsed = to_ticks(v, now_ns() - elapsed);
	m.stop = true;
	pthread_join(m.thread, NULL);
	sched_setaffinity(0, sizeof(all), &all);
	if (i < ROUNDS)
		return fail("the totals went back, from %llu and %llu away", (unsigned long long)last.cycles,
			    (unsigned long long)last.away);
	/* The first read_totals(). */
	expect_more(&e, c, c->vendor->io, 1);
	expect_more(&e, c, c->vendor->cpuid, 2);
	read_table(v, c->vendor, &after);
	note("moved %u times in %llu ticks: cycles %llu, away %llu", m.moves, (unsigned long long)elapsed,
	     (unsigned long long)(end.cycles - start.cycles), (unsigned long long)(end.away - start.away));
	if (end.cycles - start.cycles > end.away - start.away)
		return fail("more cycles than away cycles");
	if (end.away - start.away > elapsed / 100 * (100 + CLOCK_PERCENT))
		return fail("away for %llu ticks of %llu", (unsigned long long)(end.away - start.away),
			    (unsigned long long)elapsed);
	return check_delta(c, &before, &after, &e);
}

/*
 * Writes of the TSC deadline re-enter the guest in VMX's fast path, where the preemption timer is in use: fewer calls of
 * vmx_handle_exit() than exits show it.
 */
enum verdict test_fast_path(struct ctx *c, const struct test *test)
{
	unsigned int n = c->iterations;
	int tid = (int)getpid();
	uint32_t before, after;
	const char *error;
	struct hist hist;
	struct vcpu *v;
	uint64_t calls;

	if (c->vendor->id != KVM_EXIT_STATS_VMX)
		return skip("not shown: AMD's fast paths need a processor that saves the next RIP, as no emulated one does");
	if (module_parameter(c->vendor->module, "preemption_timer") != 1)
		return skip("not shown: KVM does not use the preemption timer here, which this fast path needs");
	error = not_invasive(c);
	if (!error)
		error = load_tsc_deadline.unavailable(c->vendor);
	if (error)
		return skip("%s", error);
	v = &new_vm(c, load_tsc_deadline.vm_flags, 1)->vcpus[0];
	load_tsc_deadline.prepare(v);
	load_tsc_deadline.run(v, 1);
	before = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->msr_write).eax;
	error = probe_start("kvm_intel:vmx_handle_exit");
	if (error)
		return skip("%s", error);
	load_tsc_deadline.run(v, n);
	if (tracepoint_read(&hist)) {
		tracepoint_stop();
		return fail("the probe's histogram cannot be read");
	}
	calls = hist_total(&hist, &tid, 1);
	hist_free(&hist);
	tracepoint_stop();
	after = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->msr_write).eax;
	note("%u writes of the TSC deadline, vmx_handle_exit() called %llu times", n, (unsigned long long)calls);
	/* The one that ended the call is handled. */
	if (!calls)
		return fail("the probe saw nothing");
	if (after - before != n)
		return fail("%u exits counted, %u made, %llu of them in vmx_handle_exit()", after - before, n,
			    (unsigned long long)calls);
	if (calls > n / 2)
		return skip("not shown: KVM did not take its fast path");
	return PASS;
}
