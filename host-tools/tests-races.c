// SPDX-License-Identifier: GPL-2.0-or-later
/* Everything at once: reading, exiting, vCPUs and VMs that come and go, and ioctls from other threads. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

#include "stats.h"
#include "tests.h"

#define LOAD_ITERATIONS		5
/* So that those who only disturb do not take all of the processor. */
#define PAUSE_US		2000

struct round_load {
	const struct load *load;
	unsigned int n;
};

/* What each vCPU does in each round, besides reading a table. */
static const struct round_load with_irqchip[] = {
	{ &load_cpuid, LOAD_ITERATIONS }, { &load_pio_kernel, LOAD_ITERATIONS }, { &load_pio_user, LOAD_ITERATIONS },
	{ &load_msr_read, LOAD_ITERATIONS }, { &load_hypercall, LOAD_ITERATIONS }, { &load_hlt, 1 }, { NULL },
};

static const struct round_load without_irqchip[] = {
	{ &load_own_leaf, LOAD_ITERATIONS }, { &load_pio_user, LOAD_ITERATIONS }, { &load_msr_write, LOAD_ITERATIONS },
	{ &load_hypercall, LOAD_ITERATIONS }, { &load_hlt_user, LOAD_ITERATIONS }, { &load_window, 1 }, { NULL },
};

struct race {
	struct ctx *c;
	struct vm *vm;
	const struct round_load *loads;
	unsigned int rounds;
	uint32_t instance;
	atomic_bool stop;
	pthread_mutex_t lock;		/* for what follows */
	char error[200];		/* the first one */
	int nr_vcpus;			/* those that are ready */
	int late;			/* vCPUs that may still be made */
};

struct worker {
	pthread_t thread;
	struct race *r;
	struct vcpu *v;
	struct expected made;
};

__attribute__((format(printf, 2, 3)))
static void race_error(struct race *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	pthread_mutex_lock(&r->lock);
	if (!*r->error)
		vsnprintf(r->error, sizeof(r->error), format, args);
	pthread_mutex_unlock(&r->lock);
	va_end(args);
	r->stop = true;
}

struct record {
	uint64_t count, cycles, away;
};

/* Everything that the leaves say, from one call: the first totals are read first, the last ones last. */
struct snapshot {
	struct record first, last, reasons[MAX_REASONS];
	uint32_t bitmap[NR_INDEXES / 32];
	uint32_t vcpus;
};

static struct record make_record(const struct leaf_read *record, const struct leaf_read *away)
{
	return (struct record){
		low_high(record->eax, record->ebx), low_high(record->ecx, record->edx), low_high(away->eax, away->ebx),
	};
}

#define FIXED_READS	16

static uint32_t read_snapshot(struct race *r, struct vcpu *v, struct snapshot *s)
{
	struct leaf_read reads[2 * MAX_REASONS + FIXED_READS];
	const struct vendor *vendor = r->c->vendor;
	struct leaf_read *first, *reasons, *rest;
	size_t n = 0;
	int i;

	first = &reads[n];
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_RECORD };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_AWAY };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_CYCLES };
	reasons = &reads[n];
	for (i = 0; i < vendor->nr; i++) {
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_RECORD, vendor->reasons[i] };
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_AWAY, vendor->reasons[i] };
	}
	rest = &reads[n];
	for (i = 0; i < 3; i++)
		reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_BITMAP, i };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_INSTANCE };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_UNLISTED };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_RECORD };
	reads[n++] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_AWAY };
	read_leaves(v, reads, n);

	s->first = make_record(&first[0], &first[1]);
	/* Between the two, this vCPU's own exits at least. */
	if (first[2].eax - first[0].eax - 2 > INT32_MAX)
		race_error(r, "a total of %u exits was read after one of %u", first[2].eax, first[0].eax);
	if (leaf_cycles(&first[3]) <= s->first.cycles)
		race_error(r, "total cycles did not grow from one leaf to the next");
	for (i = 0; i < vendor->nr; i++)
		s->reasons[i] = make_record(&reasons[2 * i], &reasons[2 * i + 1]);
	for (i = 0; i < 3; i++)
		memcpy(&s->bitmap[4 * i], &rest[i].eax, 4 * sizeof(uint32_t));
	if (rest[3].eax != r->instance)
		race_error(r, "the instance id changed from %#x to %#x", r->instance, rest[3].eax);
	s->vcpus = rest[3].ebx;
	if (rest[4].eax || rest[4].ebx || rest[4].ecx || rest[4].edx)
		race_error(r, "exits whose reason is not in the table");
	s->last = make_record(&rest[5], &rest[6]);
	return n;
}

static bool shrank(const struct record *before, const struct record *after)
{
	return after->count < before->count || after->cycles < before->cycles || after->away < before->away;
}

static void check_snapshot(struct race *r, const struct snapshot *before, const struct snapshot *s)
{
	const struct vendor *vendor = r->c->vendor;
	struct record sum = { 0 };
	int i, bit;

	if (shrank(&before->last, &s->first) || shrank(&s->first, &s->last))
		race_error(r, "a total went backwards");
	if (s->vcpus < before->vcpus || s->vcpus > MAX_VCPUS)
		race_error(r, "from %u vCPUs to %u", before->vcpus, s->vcpus);
	for (i = 0; i < vendor->nr; i++) {
		const struct record *now = &s->reasons[i], *then = &before->reasons[i];
		const char *name = reason_name(vendor, vendor->reasons[i]);

		bit = reason_index(vendor, vendor->reasons[i]);
		if (shrank(then, now))
			race_error(r, "%s went backwards: %llu exits after %llu", name,
				   (unsigned long long)now->count, (unsigned long long)then->count);
		if (now->away < now->cycles)
			race_error(r, "%s: away cycles below cycles", name);
		if (!now->count && now->cycles)
			race_error(r, "%s: cycles without an exit", name);
		/* What had exits is in the bitmap, and what was in the bitmap has exits. */
		if (now->count && !(s->bitmap[bit / 32] >> bit % 32 & 1))
			race_error(r, "%s has exits and is not in the bitmap", name);
		if (!now->count && before->bitmap[bit / 32] >> bit % 32 & 1)
			race_error(r, "%s was in the bitmap and has no exits", name);
		sum.count += now->count;
		sum.cycles += now->cycles;
		sum.away += now->away;
	}
	if (shrank(&s->first, &sum) || shrank(&sum, &s->last))
		race_error(r, "the sum over reasons (%llu exits, %llu cycles) is not between the totals read before "
			   "(%llu, %llu) and after (%llu, %llu)", (unsigned long long)sum.count,
			   (unsigned long long)sum.cycles, (unsigned long long)s->first.count,
			   (unsigned long long)s->first.cycles, (unsigned long long)s->last.count,
			   (unsigned long long)s->last.cycles);
}

static void run_round(struct worker *w, struct vcpu *v, struct snapshot *last)
{
	struct race *r = w->r;
	struct snapshot s;
	const struct round_load *l;
	const char *error;

	for (l = r->loads; l->load; l++) {
		error = l->load->run(v, l->n);
		if (error)
			race_error(r, "%s: %s", l->load->name, error);
		expect_load(&w->made, r->c, l->load, l->n);
	}
	expect_more(&w->made, r->c, r->c->vendor->cpuid, read_snapshot(r, v, &s));
	expect_more(&w->made, r->c, r->c->vendor->io, 1);
	check_snapshot(r, last, &s);
	*last = s;
}

/* One more vCPU, while all others run; NULL if there are enough. */
static struct vcpu *add_late(struct worker *w)
{
	const struct vendor *vendor = w->r->c->vendor;
	struct race *r = w->r;
	struct vcpu *v = NULL;

	pthread_mutex_lock(&r->lock);
	if (r->late) {
		r->late--;
		v = vm_add_vcpu(r->vm);
		r->nr_vcpus++;
	}
	pthread_mutex_unlock(&r->lock);
	if (!v)
		return NULL;
	/* Its data is not there yet. */
	vcpu_warm(v);
	expect_any(&w->made, r->c, vendor->page_fault);
	expect_more(&w->made, r->c, vendor->io, 2);
	if (r->vm->flags & VM_IRQCHIP) {
		vcpu_timer_on(v);
		expect_more(&w->made, r->c, vendor->msr_write, 2);
		expect_more(&w->made, r->c, vendor->io, 2);
	}
	return v;
}

static void *work(void *arg)
{
	struct snapshot last = { 0 };
	struct worker *w = arg;
	struct vcpu *late = NULL;
	unsigned int i;

	for (i = 0; i < w->r->rounds && !w->r->stop; i++) {
		if (i == w->r->rounds / 2)
			late = add_late(w);
		run_round(w, w->v, &last);
		/* The VM's counters are the same seen from there. */
		if (late)
			run_round(w, late, &last);
	}
	return NULL;
}

/* The statistics of a vCPU whose VM nobody has any more but their reader. */
static void check_orphan(struct race *r, struct stats *s)
{
	struct stat_desc total;
	uint64_t cycles;

	/* A kernel may leave them out. */
	if (!stats_find(s, "exit_cycles", &total) && (stats_read(s, &total, &cycles, 1) != 1 || !cycles))
		race_error(r, "the statistics of a VM that is gone cannot be read");
	stats_close(s);
}

/* VMs beside it, each of which must start at 0 and see nothing of what the others do. */
static void *make_vms(void *arg)
{
	struct race *r = arg;
	const struct vendor *vendor = r->c->vendor;
	unsigned int n = 0;
	struct stats *s;

	do {
		int nr_vcpus = 1 + n++ % 2;
		struct vm *vm = vm_create(r->vm->flags, nr_vcpus);
		struct leaf_read reads[] = {
			{ KVM_EXIT_STATS_CPUID_REASON_COUNT, vendor->cpuid },
			{ KVM_EXIT_STATS_CPUID_REASON_COUNT, vendor->vmcall },
			{ KVM_EXIT_STATS_CPUID_INSTANCE },
		};

		read_leaves(&vm->vcpus[0], reads, 3);
		if (reads[0].eax != 1 || reads[1].eax)
			race_error(r, "a fresh VM's first CPUID is its exit %u, and it has %u hypercalls",
				   reads[0].eax, reads[1].eax);
		if (reads[2].eax == r->instance || reads[2].ebx != (uint32_t)nr_vcpus)
			race_error(r, "a fresh VM's instance id is %#x, its number of vCPUs %u", reads[2].eax,
				   reads[2].ebx);
		s = stats_open(vcpu_stats_fd(&vm->vcpus[0]));
		vm_destroy(vm);
		if (s)
			check_orphan(r, s);
		usleep(PAUSE_US);
	} while (!r->stop);
	return NULL;
}

/* Of one vCPU, which runs: the statistics of the host, in which no counter ever shrinks. */
static void check_host_stats(struct race *r, struct vcpu *v, uint64_t *last_cycles)
{
	uint64_t cycles[NR_INDEXES + 1], before, after, sum = 0;
	struct stat_desc total, reasons;
	struct stats *s;
	int i;

	s = stats_open(vcpu_stats_fd(v));
	if (!s) {
		race_error(r, "the vCPU's statistics: %s", strerror(errno));
		return;
	}
	/* A kernel may leave them out. */
	if (!stats_find(s, "exit_cycles", &total) && !stats_find(s, "exit_reason_cycles", &reasons)) {
		stats_read(s, &total, &before, 1);
		stats_read(s, &reasons, cycles, NR_INDEXES + 1);
		stats_read(s, &total, &after, 1);
		for (i = 0; i <= NR_INDEXES; i++)
			sum += cycles[i];
		if (before < *last_cycles || sum < before || after < sum)
			race_error(r, "a vCPU's cycles on the host: %llu, then %llu, %llu as the sum over reasons, "
				   "then %llu", (unsigned long long)*last_cycles, (unsigned long long)before,
				   (unsigned long long)sum, (unsigned long long)after);
		*last_cycles = after;
	}
	stats_close(s);
}

static void *issue_ioctls(void *arg)
{
	uint64_t last_cycles[MAX_VCPUS] = { 0 };
	struct race *r = arg;
	struct kvm_regs regs;
	int i, nr;

	do {
		pthread_mutex_lock(&r->lock);
		nr = r->nr_vcpus;
		pthread_mutex_unlock(&r->lock);
		for (i = 0; i < nr; i++) {
			check_host_stats(r, &r->vm->vcpus[i], &last_cycles[i]);
			/* Waits until the vCPU is in user space, and loads it on this thread. */
			if (ioctl(r->vm->vcpus[i].fd, KVM_GET_REGS, &regs))
				race_error(r, "KVM_GET_REGS: %s", strerror(errno));
		}
		if (vm_choose_mode(r->vm, KVM_EXIT_STATS_MODE_OFF, 0) != EINVAL)
			race_error(r, "KVM let the accounting be switched off after vCPUs had been made");
		usleep(PAUSE_US);
	} while (!r->stop);
	return NULL;
}

static void start(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	if (pthread_create(thread, NULL, fn, arg))
		bail_out("cannot create a thread");
}

static void add_expected(struct expected *e, const struct expected *more)
{
	int i;

	for (i = 0; i < MAX_REASONS; i++) {
		e->count[i] += more->count[i];
		e->any[i] |= more->any[i];
		e->at_least[i] |= more->at_least[i];
	}
}

static enum verdict race(struct ctx *c, unsigned int flags, const struct round_load *loads)
{
	struct race r = {
		.c = c, .vm = new_vm(c, flags, c->vcpus), .loads = loads, .rounds = c->iterations / 100 + 2,
		.lock = PTHREAD_MUTEX_INITIALIZER, .nr_vcpus = c->vcpus, .late = c->vcpus,
	};
	static struct worker workers[MAX_VCPUS];
	struct vcpu *first = &r.vm->vcpus[0];
	pthread_t vms, ioctls;
	struct table before, after;
	struct expected e;
	int i;

	if (r.late > MAX_VCPUS - c->vcpus)
		r.late = MAX_VCPUS - c->vcpus;
	if (flags & VM_IRQCHIP)
		for (i = 0; i < c->vcpus; i++)
			vcpu_timer_on(&r.vm->vcpus[i]);
	r.instance = read_leaf(first, KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax;
	read_table(first, c->vendor, &before);
	expect_start(&e, c, &before);

	for (i = 0; i < c->vcpus; i++) {
		workers[i] = (struct worker){ .r = &r, .v = &r.vm->vcpus[i] };
		start(&workers[i].thread, work, &workers[i]);
	}
	start(&vms, make_vms, &r);
	start(&ioctls, issue_ioctls, &r);
	for (i = 0; i < c->vcpus; i++)
		pthread_join(workers[i].thread, NULL);
	r.stop = true;
	pthread_join(vms, NULL);
	pthread_join(ioctls, NULL);
	if (*r.error)
		return fail("%s", r.error);

	for (i = 0; i < c->vcpus; i++)
		add_expected(&e, &workers[i].made);
	read_table(first, c->vendor, &after);
	verbose("%u exits, %d vCPUs", after.total - before.total, r.vm->nr_vcpus);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_races(struct ctx *c, const struct test *test)
{
	const char *error = load_hlt.unavailable(c->vendor);

	/* Each way has loads that the other cannot have. */
	if (race(c, 0, without_irqchip) == FAIL)
		return FAIL;
	return error ? skip("true without the kernel's irqchip: %s", error) : race(c, VM_IRQCHIP, with_irqchip);
}
