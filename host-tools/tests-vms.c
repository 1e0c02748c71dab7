// SPDX-License-Identifier: GPL-2.0-or-later
/* Several vCPUs, several VMs. */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include <asm/kvm_exit_stats.h>

#include "tests.h"

struct job {
	struct ctx *c;
	unsigned int n;
	const char *error;	/* any vCPU's */
};

static void all_vcpus(struct vm *vm, struct vcpu **vcpus)
{
	int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		vcpus[i] = &vm->vcpus[i];
}

static void run_job(struct vcpu *v, void *arg)
{
	struct job *job = arg;
	const char *error = run_mix(job->c, v, job->n);

	if (error)
		__atomic_store_n(&job->error, error, __ATOMIC_RELAXED);
}

static enum verdict smp(struct ctx *c, unsigned int flags)
{
	struct job job = { .c = c, .n = c->iterations };
	struct vm *vm = new_vm(c, flags, c->vcpus);
	struct vcpu *vcpus[MAX_VCPUS];
	struct table before, after;
	struct expected e;
	int i;

	all_vcpus(vm, vcpus);
	for (i = 0; i < vm->nr_vcpus; i++)
		prepare_mix(c, vcpus[i]);
	read_table(vcpus[0], c->vendor, &before);
	run_threads(vcpus, vm->nr_vcpus, run_job, &job, NULL);
	if (job.error)
		return fail("%s", job.error);
	expect_start(&e, c, &before);
	for (i = 0; i < vm->nr_vcpus; i++)
		expect_mix(&e, c, flags, job.n);
	/* A vCPU whose fault meets another's in the same page table may have to fault again. */
	expect_at_least(&e, c, c->vendor->page_fault);
	/* From each vCPU the same VM. */
	for (i = 0; i < vm->nr_vcpus; i++) {
		read_table(vcpus[i], c->vendor, &after);
		if (check_delta(c, &before, &after, &e) == FAIL)
			return FAIL;
		expect_more(&e, c, c->vendor->cpuid, after.reads);
		expect_more(&e, c, c->vendor->io, 1);
	}
	return PASS;
}

enum verdict test_smp(struct ctx *c, const struct test *test)
{
	/* Each way has loads that the other cannot have. */
	return smp(c, VM_IRQCHIP) == FAIL ? FAIL : smp(c, 0);
}

enum { READS_AT_ONCE = 64 };

static void read_and_check(struct vcpu *v, void *arg)
{
	struct job *job = arg;
	struct leaf_read reads[READS_AT_ONCE];
	uint32_t last = 0;
	unsigned int round;
	int i;

	for (round = 0; round < job->n; round++) {
		for (i = 0; i < READS_AT_ONCE; i++)
			reads[i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_TOTAL_COUNT };
		read_leaves(v, reads, READS_AT_ONCE);
		for (i = 0; i < READS_AT_ONCE; i++) {
			/* Its own CPUID at least has come to it. */
			if (reads[i].eax <= last)
				__atomic_store_n(&job->error, "a vCPU saw the total not grow", __ATOMIC_RELAXED);
			last = reads[i].eax;
		}
	}
}

enum verdict test_smp_readers(struct ctx *c, const struct test *test)
{
	struct job job = { .c = c, .n = c->iterations / READS_AT_ONCE + 1 };
	struct vm *vm = new_vm(c, 0, c->vcpus);
	struct vcpu *vcpus[MAX_VCPUS];
	struct table before, after;
	struct expected e;

	all_vcpus(vm, vcpus);
	read_table(vcpus[0], c->vendor, &before);
	run_threads(vcpus, vm->nr_vcpus, read_and_check, &job, NULL);
	if (job.error)
		return fail("%s", job.error);
	read_table(vcpus[0], c->vendor, &after);
	expect_start(&e, c, &before);
	expect_more(&e, c, c->vendor->cpuid, vm->nr_vcpus * job.n * READS_AT_ONCE);
	expect_more(&e, c, c->vendor->io, vm->nr_vcpus * job.n);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_late_vcpu(struct ctx *c, const struct test *test)
{
	struct vm *vm = new_vm(c, 0, 1);
	struct vcpu *first = &vm->vcpus[0], *late;
	struct table before, after;
	struct expected e;

	read_table(first, c->vendor, &before);
	late = vm_add_vcpu(vm);
	/* Its first exits are page faults of which nobody knows the number: its data is not there yet. */
	vcpu_warm(late);
	expect_start(&e, c, &before);
	expect_any(&e, c, c->vendor->page_fault);
	expect_more(&e, c, c->vendor->io, 2);
	load_cpuid.run(late, c->iterations);
	load_pio_user.run(late, c->iterations);
	expect_load(&e, c, &load_cpuid, c->iterations);
	expect_load(&e, c, &load_pio_user, c->iterations);
	read_table(late, c->vendor, &after);
	if (check_delta(c, &before, &after, &e) == FAIL)
		return FAIL;

	vcpu_close(late);
	expect_more(&e, c, c->vendor->cpuid, after.reads);
	expect_more(&e, c, c->vendor->io, 1);
	read_table(first, c->vendor, &after);
	return check_delta(c, &before, &after, &e);
}

/* Each of two VMs makes what the other does not. */
static void run_either(struct vcpu *v, void *arg)
{
	struct job *job = arg;

	if (v->vm == job->c->vms[0])
		load_cpuid.run(v, 2 * job->n);
	else
		load_pio_user.run(v, job->n);
}

enum verdict test_two_vms(struct ctx *c, const struct test *test)
{
	struct job job = { .c = c, .n = c->iterations };
	struct vcpu *v[2];
	struct table before[2], after[2];
	struct expected e[2];
	int i;

	for (i = 0; i < 2; i++)
		v[i] = &new_vm(c, 0, 1)->vcpus[0];
	for (i = 0; i < 2; i++) {
		read_table(v[i], c->vendor, &before[i]);
		expect_start(&e[i], c, &before[i]);
	}
	run_threads(v, 2, run_either, &job, NULL);
	expect_load(&e[0], c, &load_cpuid, 2 * job.n);
	expect_load(&e[1], c, &load_pio_user, job.n);
	for (i = 0; i < 2; i++) {
		read_table(v[i], c->vendor, &after[i]);
		if (check_delta(c, &before[i], &after[i], &e[i]) == FAIL)
			return FAIL;
	}
	return PASS;
}

/* What a VM has counted when its first CPUIDs read it: the faults that brought code and tables in. */
static enum verdict first_table(struct ctx *c, uint32_t *faults)
{
	struct table t;
	int i;

	read_table(&new_cold_vm(c, 0, 1)->vcpus[0], c->vendor, &t);
	*faults = table_count(&t, c->vendor, c->vendor->page_fault);
	if (check_table(&t) == FAIL)
		return FAIL;
	for (i = 0; i < c->vendor->nr; i++) {
		uint32_t reason = c->vendor->reasons[i];

		if (t.count[i] && reason != c->vendor->page_fault && !reason_is_host_caused(c->vendor, reason))
			return fail("a fresh VM starts with %u exits of %s", t.count[i],
				    reason_name(c->vendor, reason));
	}
	/* The guest's memory holds no more pages than this for one vCPU. */
	if (*faults > GUEST_VCPUS / 4096 + GUEST_VCPU_SIZE / 4096)
		return fail("a fresh VM starts with %u page faults", *faults);
	verbose("%u page faults before the first CPUID, total %u", *faults, t.total);
	return PASS;
}

enum verdict test_fresh_vm(struct ctx *c, const struct test *test)
{
	uint32_t faults[2];

	if (module_parameter(c->vendor->module, c->vendor->paging) == 0)
		return skip("without EPT or NPT nobody knows what a VM's start takes");
	if (first_table(c, &faults[0]) == FAIL)
		return FAIL;
	load_cpuid.run(&c->vms[0]->vcpus[0], c->iterations);
	load_pio_user.run(&c->vms[0]->vcpus[0], c->iterations);
	destroy_vm(c);
	if (first_table(c, &faults[1]) == FAIL)
		return FAIL;
	if (faults[0] != faults[1])
		return fail("two fresh VMs start with %u and %u page faults", faults[0], faults[1]);
	return PASS;
}

#define APIC_INIT	0x4500		/* ICR: INIT, assert */

enum verdict test_vcpu_reset(struct ctx *c, const struct test *test)
{
	struct vm *vm = new_vm(c, VM_IRQCHIP, 2);
	struct vcpu *first = &vm->vcpus[0], *second = &vm->vcpus[1];
	struct table before, after;
	uint32_t instance;
	struct expected e;

	vcpu_timer_on(first);
	vcpu_timer_on(second);
	load_cpuid.run(first, c->iterations);
	instance = read_leaf(first, KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax;
	read_table(second, c->vendor, &before);
	expect_start(&e, c, &before);

	vcpu_call(second, (struct guest_call){ guest_wrmsr, .rcx = MSR_X2APIC_ICR, .rax = APIC_INIT, .r8 = 1 });
	expect_more(&e, c, c->vendor->io, 1);
	/* A processor that virtualises IPIs still leaves an INIT to KVM, as an APIC write. */
	expect_any(&e, c, c->vendor->msr_write);
	if (c->vendor->id == KVM_EXIT_STATS_VMX)
		expect_any(&e, c, 56);
	if (!vcpu_was_reset(first))
		return fail("an INIT did not reset the vCPU");
	vcpu_set_cpl(first, 0);

	load_cpuid.run(first, c->iterations);
	expect_load(&e, c, &load_cpuid, c->iterations);
	read_table(first, c->vendor, &after);
	if (check_delta(c, &before, &after, &e) == FAIL)
		return FAIL;
	if (read_leaf(first, KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax != instance)
		return fail("the instance id changed with the vCPU's reset");
	return PASS;
}

/* What a VMM does when the guest reboots: it writes each vCPU's first state back, all at once, and runs them again. */
enum verdict test_reboot(struct ctx *c, const struct test *test)
{
	enum { VCPUS = 2, REBOOTS = 3 };
	struct vm *vm = new_vm(c, VM_IRQCHIP, VCPUS);
	struct vcpu_state first[VCPUS];
	struct table before, after;
	struct expected e;
	uint32_t instance;
	int i, reboot;

	for (i = 0; i < VCPUS; i++)
		vcpu_get_state(&vm->vcpus[i], &first[i]);
	instance = read_leaf(&vm->vcpus[0], KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax;
	read_table(&vm->vcpus[0], c->vendor, &before);
	expect_start(&e, c, &before);
	for (reboot = 0; reboot <= REBOOTS; reboot++) {
		for (i = 0; reboot && i < VCPUS; i++)
			vcpu_set_state(&vm->vcpus[i], &first[i]);
		for (i = 0; i < VCPUS; i++) {
			load_cpuid.run(&vm->vcpus[i], c->iterations);
			load_pio_user.run(&vm->vcpus[i], c->iterations);
			expect_load(&e, c, &load_cpuid, c->iterations);
			expect_load(&e, c, &load_pio_user, c->iterations);
		}
	}
	read_table(&vm->vcpus[1], c->vendor, &after);
	if (check_delta(c, &before, &after, &e) == FAIL)
		return FAIL;
	if (read_leaf(&vm->vcpus[1], KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax != instance)
		return fail("the instance id changed when the guest was rebooted");
	return PASS;
}

#define DEBUGFS_KVM	"/sys/kernel/debug/kvm"
#define DEBUGFS_EXITS	DEBUGFS_KVM "/exits"

static int cleared_files;

/* Statistics of the host's, of each VM's and of each vCPU's; what is no counter refuses. */
static int clear_file(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
	FILE *f = type == FTW_F && s->st_mode & 0200 ? fopen(path, "we") : NULL;
	bool failed;

	if (f) {
		failed = fputs("0", f) < 0;
		if (!fclose(f) && !failed)
			cleared_files++;
	}
	return 0;
}

/* The sum over the host's VMs. */
static long long debugfs_exits(void)
{
	long long value = -1;
	FILE *f = fopen(DEBUGFS_EXITS, "re");

	if (f && fscanf(f, "%lld", &value) != 1)
		value = -1;
	if (f)
		fclose(f);
	return value;
}

/* Of reasons that the reading itself and the host have no part in, not one tick may have come or gone. */
static enum verdict compare_cycles(const struct vendor *v, const struct cycles_table *before,
				   const struct cycles_table *after)
{
	int i;

	for (i = 0; i < v->nr; i++) {
		uint32_t reason = v->reasons[i];
		bool grows = reason == v->cpuid || reason == v->io || reason_is_host_caused(v, reason);

		if (after->cycles[i] < before->cycles[i] || after->aways[i] < before->aways[i] ||
		    (!grows && (after->cycles[i] > before->cycles[i] || after->aways[i] > before->aways[i])))
			return fail("%s: %llu cycles before, %llu after", reason_name(v, reason),
				    (unsigned long long)before->cycles[i], (unsigned long long)after->cycles[i]);
	}
	if (after->total < before->total || after->away < before->away)
		return fail("%llu cycles and %llu away before, %llu and %llu after", (unsigned long long)before->total,
			    (unsigned long long)before->away, (unsigned long long)after->total,
			    (unsigned long long)after->away);
	return PASS;
}

enum verdict test_debugfs_clear(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	const char *error = not_invasive(c);
	struct cycles_table cycles, cycles_after;
	struct table before, after;
	long long exits, cleared;
	struct expected e;
	uint32_t instance;

	if (error)
		return skip("%s", error);
	load_cpuid.run(v, c->iterations);
	load_hypercall.run(v, c->iterations);
	instance = read_leaf(v, KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax;
	read_cycles_table(v, c->vendor, &cycles);
	read_table(v, c->vendor, &before);
	expect_start(&e, c, &before);
	exits = debugfs_exits();
	cleared_files = 0;
	if (exits < 0 || nftw(DEBUGFS_KVM, clear_file, 16, FTW_PHYS) || !cleared_files)
		return skip("no debugfs, or no permission: mount it on /sys/kernel/debug");
	cleared = debugfs_exits();
	note("%d files cleared", cleared_files);
	if (exits < (long long)c->iterations || cleared >= exits)
		return fail("clearing " DEBUGFS_EXITS " took it from %lld to %lld", exits, cleared);
	read_table(v, c->vendor, &after);
	read_cycles_table(v, c->vendor, &cycles_after);
	if (check_delta(c, &before, &after, &e) == FAIL)
		return FAIL;
	if (read_leaf(v, KVM_EXIT_STATS_CPUID_INSTANCE, 0).eax != instance)
		return fail("the instance id changed");
	return compare_cycles(c->vendor, &cycles, &cycles_after);
}
