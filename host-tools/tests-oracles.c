// SPDX-License-Identifier: GPL-2.0-or-later
/* The counts against what KVM counts elsewhere. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

#include "stats.h"
#include "tests.h"
#include "tracepoint.h"

/* Attempts to read between two exits that the host causes. */
#define MAX_ATTEMPTS	100

struct job {
	struct ctx *c;
	const char *error;
};

static void run_job(struct vcpu *v, void *arg)
{
	struct job *job = arg;
	const char *error = run_mix(job->c, v, job->c->iterations);

	if (error)
		__atomic_store_n(&job->error, error, __ATOMIC_RELAXED);
}

/* A VM whose vCPUs have each run a mix of loads in a thread of its own, and stopped. */
static struct vm *used_vm(struct ctx *c, unsigned int flags, int nr_vcpus, int *tids, const char **error)
{
	struct job job = { .c = c };
	struct vm *vm = new_vm(c, flags, nr_vcpus);
	struct vcpu *vcpus[MAX_VCPUS];
	int i;

	for (i = 0; i < nr_vcpus; i++) {
		vcpus[i] = &vm->vcpus[i];
		prepare_mix(c, vcpus[i]);
	}
	run_threads(vcpus, nr_vcpus, run_job, &job, tids);
	*error = job.error;
	return vm;
}

/* A statistic with one value, summed over a VM's vCPUs. */
struct vm_stats {
	struct stats *vcpus[MAX_VCPUS];
	int nr;
};

static const char *vm_stats_open(struct vm *vm, struct vm_stats *s)
{
	int fd;

	for (s->nr = 0; s->nr < vm->nr_vcpus; s->nr++) {
		fd = vcpu_stats_fd(&vm->vcpus[s->nr]);
		s->vcpus[s->nr] = fd < 0 ? NULL : stats_open(fd);
		if (!s->vcpus[s->nr])
			return strerror(errno);
	}
	return NULL;
}

static void vm_stats_close(struct vm_stats *s)
{
	while (s->nr)
		stats_close(s->vcpus[--s->nr]);
}

/* 0, or -1 if there is no such statistic. */
static int vm_stats_read(struct vm_stats *s, const char *name, uint64_t *values, int max)
{
	uint64_t one[NR_INDEXES + 1];
	struct stat_desc desc;
	int i, j, n;

	memset(values, 0, max * sizeof(*values));
	for (i = 0; i < s->nr; i++) {
		if (stats_find(s->vcpus[i], name, &desc))
			return -1;
		n = stats_read(s->vcpus[i], &desc, one, max);
		if (n < 0)
			return -1;
		for (j = 0; j < n; j++)
			values[j] += one[j];
	}
	return 0;
}

static enum verdict compare_exits(struct vm *vm, struct vm_stats *s)
{
	uint64_t before, after;
	uint32_t total;
	int i;

	for (i = 0; i < MAX_ATTEMPTS; i++) {
		if (vm_stats_read(s, "exits", &before, 1))
			return skip("KVM has no statistic \"exits\"");
		total = read_leaf(&vm->vcpus[0], KVM_EXIT_STATS_CPUID_TOTAL_COUNT, 0).eax;
		if (vm_stats_read(s, "exits", &after, 1))
			return skip("KVM has no statistic \"exits\"");
		/* The CPUID, and the exit that ended the reading. */
		if (after != before + 2)
			continue;
		/* The CPUID has counted itself. */
		if (total != (uint32_t)(before + 1))
			return fail("the total is %u, KVM's statistic %llu", total, (unsigned long long)before + 1);
		verbose("total and statistic: %u", total);
		return PASS;
	}
	return skip("the host interrupts the guest too often to compare");
}

enum verdict test_kvm_exits(struct ctx *c, const struct test *test)
{
	enum verdict verdict;
	const char *error;
	struct vm_stats s;
	struct vm *vm;

	vm = used_vm(c, VM_IRQCHIP, c->vcpus, NULL, &error);
	if (error)
		return fail("%s", error);
	error = vm_stats_open(vm, &s);
	verdict = error ? skip("no binary statistics: %s", error) : compare_exits(vm, &s);
	vm_stats_close(&s);
	return verdict;
}

/* The table as it stood when the tracepoint's histogram was before; nothing but its reading came after. */
static enum verdict compare_table(struct ctx *c, const struct table *t, const struct hist *before,
				  const int *tids, int nr_tids)
{
	const struct vendor *v = c->vendor;
	uint64_t total = hist_total(before, tids, nr_tids), listed = 0;
	int i, reasons = 0;

	for (i = 0; i < v->nr; i++) {
		uint64_t n = hist_count(before, tids, nr_tids, v->reasons[i], v->trace_mask);

		if (t->count[i] != (uint32_t)n)
			return fail("%s: the guest reads %u, the tracepoint counted %llu",
				    reason_name(v, v->reasons[i]), t->count[i], (unsigned long long)n);
		if (n)
			verbose("%s: %llu", reason_name(v, v->reasons[i]), (unsigned long long)n);
		reasons += n > 0;
		listed += n;
	}
	if (listed != total)
		return fail("the tracepoint has %llu exits whose reason is not in the table",
			    (unsigned long long)(total - listed));
	if (t->total != (uint32_t)total)
		return fail("the guest reads a total of %u, the tracepoint counted %llu", t->total,
			    (unsigned long long)total);
	note("%d reasons, %llu exits, no difference", reasons, (unsigned long long)total);
	return PASS;
}

static enum verdict compare_tracepoint(struct ctx *c, struct vm *vm, const int *tids, int nr_tids)
{
	struct hist before, after;
	enum verdict verdict;
	struct table t;
	uint64_t own;
	int i;

	for (i = 0; i < MAX_ATTEMPTS; i++) {
		if (tracepoint_read(&before))
			return fail("the histogram cannot be read");
		read_table(&vm->vcpus[0], c->vendor, &t);
		if (tracepoint_read(&after)) {
			hist_free(&before);
			return fail("the histogram cannot be read");
		}
		own = hist_total(&after, tids, nr_tids) - hist_total(&before, tids, nr_tids);
		if (after.dropped)
			verdict = skip("the histogram was too small for this host");
		else if (own < t.reads + 1)
			verdict = fail("the tracepoint counted %llu of the %u exits of the reading",
				       (unsigned long long)own, t.reads + 1);
		else
			verdict = compare_table(c, &t, &before, tids, nr_tids);
		hist_free(&before);
		hist_free(&after);
		/* A difference counts only if nothing came in while the guest was reading. */
		if (own <= t.reads + 1)
			return verdict;
	}
	return skip("the host interrupts the guest too often to compare");
}

static enum verdict trace_vm(struct ctx *c, unsigned int flags, int nr_vcpus)
{
	int tids[MAX_VCPUS + 1];
	enum verdict verdict;
	const char *error;
	struct vm *vm;

	error = tracepoint_start();
	if (error)
		return skip("%s", error);
	vm = used_vm(c, flags, nr_vcpus, tids, &error);
	/* This thread made the VM's first exits, and reads. */
	tids[nr_vcpus] = (int)getpid();
	verdict = error ? fail("%s", error) : compare_tracepoint(c, vm, tids, nr_vcpus + 1);
	tracepoint_stop();
	return verdict;
}

enum verdict test_tracepoint(struct ctx *c, const struct test *test)
{
	int nr_vcpus = test->smp ? c->vcpus : 1;
	enum verdict verdict;

	/* Each way has loads that the other cannot have. */
	verdict = trace_vm(c, VM_IRQCHIP, nr_vcpus);
	return verdict == PASS ? trace_vm(c, 0, nr_vcpus) : verdict;
}

/* docs/abi.md section 2: the kvm_cpuid tracepoint sees these leaves as it sees others. */
enum verdict test_cpuid_trace(struct ctx *c, const struct test *test)
{
	static const uint32_t leaves[] = { 0, KVM_EXIT_STATS_CPUID_BASE, KVM_EXIT_STATS_CPUID_REASON_CYCLES };
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	const char *error = cpuid_trace_start();
	int tid = (int)getpid(), i;
	enum verdict verdict = PASS;
	struct hist hist;
	uint64_t n;

	if (error)
		return skip("%s", error);
	for (i = 0; i < 3; i++)
		vcpu_call(v, (struct guest_call){ guest_cpuid_loop, .r8 = c->iterations, .r9 = leaves[i] });
	if (tracepoint_read(&hist)) {
		tracepoint_stop();
		return fail("the histogram cannot be read");
	}
	for (i = 0; i < 3; i++) {
		n = hist_count(&hist, &tid, 1, leaves[i], UINT32_MAX);
		if (n != c->iterations)
			verdict = fail("leaf %#x: kvm_cpuid fired %llu times for %u CPUIDs", leaves[i],
				       (unsigned long long)n, c->iterations);
	}
	hist_free(&hist);
	tracepoint_stop();
	return verdict;
}

/* docs/abi.md section 6: what a reader that knows nothing of them is told. */
static enum verdict check_stat_descriptions(struct stats *s)
{
	static const struct {
		const char *name;
		uint32_t type, unit;
		uint16_t size;
		uint32_t bucket_size;
	} stats[] = {
		{ "exit_cycles", KVM_STATS_TYPE_CUMULATIVE, KVM_STATS_UNIT_CYCLES, 1, 0 },
		{ "exit_away_cycles", KVM_STATS_TYPE_CUMULATIVE, KVM_STATS_UNIT_CYCLES, 1, 0 },
		{ "exit_reason_count", KVM_STATS_TYPE_LINEAR_HIST, KVM_STATS_UNIT_NONE, NR_INDEXES + 1, 1 },
		{ "exit_reason_cycles", KVM_STATS_TYPE_LINEAR_HIST, KVM_STATS_UNIT_CYCLES, NR_INDEXES + 1, 1 },
	};
	struct stat_desc desc;
	size_t i;

	for (i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		if (stats_find(s, stats[i].name, &desc))
			return skip("this kernel has no exit accounting in the vCPUs' statistics");
		if (desc.flags != (stats[i].type | stats[i].unit | KVM_STATS_BASE_POW10) || desc.exponent ||
		    desc.size != stats[i].size || desc.bucket_size != stats[i].bucket_size)
			return fail("the statistic %s: flags %#x, exponent %d, %u values, buckets of %u", stats[i].name,
				    desc.flags, desc.exponent, desc.size, desc.bucket_size);
	}
	return PASS;
}

/* docs/abi.md section 6: the same numbers.  Only what the reading itself takes part in may grow meanwhile. */
static enum verdict compare_host_cycles(struct ctx *c, struct vm *vm, struct vm_stats *s)
{
	uint64_t host[NR_INDEXES + 1], totals[2], aways[2], exits[2], most;
	struct cycles_table t;
	const struct vendor *vendor = c->vendor;
	int i, attempt;

	for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		vm_stats_read(s, "exits", &exits[0], 1);
		vm_stats_read(s, "exit_reason_cycles", host, NR_INDEXES + 1);
		vm_stats_read(s, "exit_cycles", &totals[0], 1);
		vm_stats_read(s, "exit_away_cycles", &aways[0], 1);
		read_cycles_table(&vm->vcpus[0], vendor, &t);
		vm_stats_read(s, "exit_cycles", &totals[1], 1);
		vm_stats_read(s, "exit_away_cycles", &aways[1], 1);
		vm_stats_read(s, "exits", &exits[1], 1);
		if (exits[1] == exits[0] + t.reads + 1)
			break;
	}
	if (attempt == MAX_ATTEMPTS)
		return skip("the host interrupts the guest too often to compare");
	for (i = 0; i < vendor->nr; i++) {
		uint64_t before = host[reason_index(vendor, vendor->reasons[i])];

		most = vendor->reasons[i] == vendor->cpuid || vendor->reasons[i] == vendor->io ?
			before + totals[1] - totals[0] : before;
		if (t.cycles[i] < before || t.cycles[i] > most)
			return fail("%s: the guest reads %llu cycles, the host %llu", reason_name(vendor, vendor->reasons[i]),
				    (unsigned long long)t.cycles[i], (unsigned long long)before);
	}
	if (t.total < totals[0] || t.total > totals[1])
		return fail("the guest reads %llu cycles in total, the host %llu before and %llu after",
			    (unsigned long long)t.total, (unsigned long long)totals[0], (unsigned long long)totals[1]);
	if (t.away < aways[0] || t.away > aways[1])
		return fail("the guest reads %llu away cycles in total, the host %llu before and %llu after",
			    (unsigned long long)t.away, (unsigned long long)aways[0], (unsigned long long)aways[1]);
	note("the guest reads %llu cycles, %llu away; the host before it %llu, %llu, after it %llu, %llu",
	     (unsigned long long)t.total, (unsigned long long)t.away, (unsigned long long)totals[0],
	     (unsigned long long)aways[0], (unsigned long long)totals[1], (unsigned long long)aways[1]);
	return PASS;
}

static enum verdict compare_host_stats(struct ctx *c, struct vm *vm, struct vm_stats *s)
{
	/* The last bucket: reasons that are not in the table. */
	uint64_t counts[NR_INDEXES + 1], cycles[NR_INDEXES + 1], exits[2], total, sum = 0;
	struct table t;
	int i, index;

	for (i = 0; i < MAX_ATTEMPTS; i++) {
		if (vm_stats_read(s, "exit_reason_count", counts, NR_INDEXES + 1) ||
		    vm_stats_read(s, "exit_reason_cycles", cycles, NR_INDEXES + 1) ||
		    vm_stats_read(s, "exit_cycles", &total, 1) || vm_stats_read(s, "exits", &exits[0], 1))
			return skip("this kernel has no exit accounting in the vCPUs' statistics");
		read_table(&vm->vcpus[0], c->vendor, &t);
		vm_stats_read(s, "exits", &exits[1], 1);
		if (exits[1] == exits[0] + t.reads + 1)
			break;
	}
	if (i == MAX_ATTEMPTS)
		return skip("the host interrupts the guest too often to compare");
	for (i = 0; i < c->vendor->nr; i++) {
		index = reason_index(c->vendor, c->vendor->reasons[i]);
		if ((uint32_t)counts[index] != t.count[i])
			return fail("%s: the guest reads %u, the host %llu",
				    reason_name(c->vendor, c->vendor->reasons[i]), t.count[i],
				    (unsigned long long)counts[index]);
	}
	for (i = 0; i <= NR_INDEXES; i++) {
		if (!counts[i] != !cycles[i])
			return fail("bucket %d of the statistics has %llu exits and %llu cycles", i,
				    (unsigned long long)counts[i], (unsigned long long)cycles[i]);
		sum += cycles[i];
	}
	if (sum != total)
		return fail("the statistic exit_cycles is %llu, the sum over reasons %llu", (unsigned long long)total,
			    (unsigned long long)sum);
	if (vm_stats_read(s, "exit_away_cycles", &sum, 1) || sum < total)
		return fail("the statistic exit_away_cycles is missing or below exit_cycles");
	return compare_host_cycles(c, vm, s);
}

enum verdict test_host_stats(struct ctx *c, const struct test *test)
{
	enum verdict verdict;
	const char *error;
	struct vm_stats s;
	struct vm *vm;

	vm = used_vm(c, VM_IRQCHIP, c->vcpus, NULL, &error);
	if (error)
		return fail("%s", error);
	error = vm_stats_open(vm, &s);
	verdict = error ? skip("no binary statistics: %s", error) : check_stat_descriptions(s.vcpus[0]);
	if (verdict == PASS)
		verdict = compare_host_stats(c, vm, &s);
	vm_stats_close(&s);
	return verdict;
}

/* All that the host is told of a vCPU: counts, cycles, and the totals of both times. */
struct view {
	uint64_t counts[NR_INDEXES + 1], cycles[NR_INDEXES + 1], total, away;
};

static int read_view(struct vm_stats *s, struct view *view)
{
	return vm_stats_read(s, "exit_reason_count", view->counts, NR_INDEXES + 1) ||
	       vm_stats_read(s, "exit_reason_cycles", view->cycles, NR_INDEXES + 1) ||
	       vm_stats_read(s, "exit_cycles", &view->total, 1) || vm_stats_read(s, "exit_away_cycles", &view->away, 1);
}

static void *get_registers(void *arg)
{
	struct job *job = arg;
	struct kvm_regs regs;
	unsigned int i;

	for (i = 0; i < job->c->iterations; i++)
		if (ioctl(job->c->vms[0]->vcpus[0].fd, KVM_GET_REGS, &regs))
			job->error = strerror(errno);
	return NULL;
}

/* docs/abi.md section 3: handling is what KVM does on the thread that executes KVM_RUN. */
enum verdict test_other_threads(struct ctx *c, const struct test *test)
{
	struct job job = { .c = c };
	struct view before, after;
	enum verdict verdict;
	pthread_t thread;
	const char *error;
	struct vm_stats s;
	struct vm *vm;

	vm = used_vm(c, VM_IRQCHIP, 1, NULL, &error);
	if (error)
		return fail("%s", error);
	error = vm_stats_open(vm, &s);
	if (error) {
		verdict = skip("no binary statistics: %s", error);
	} else if (read_view(&s, &before)) {
		verdict = skip("this kernel has no exit accounting in the vCPUs' statistics");
	} else {
		if (pthread_create(&thread, NULL, get_registers, &job))
			bail_out("cannot create a thread");
		pthread_join(thread, NULL);
		get_registers(&job);
		verdict = read_view(&s, &after) || memcmp(&before, &after, sizeof(before)) ?
			  fail("the vCPU's statistics have changed while it did not run: away %llu, then %llu",
			       (unsigned long long)before.away, (unsigned long long)after.away) : PASS;
	}
	vm_stats_close(&s);
	return job.error ? fail("KVM_GET_REGS: %s", job.error) : verdict;
}
