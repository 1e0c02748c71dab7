// SPDX-License-Identifier: GPL-2.0-or-later
/* Known numbers of known exits on one vCPU. */
#include <asm/kvm_exit_stats.h>

#include "tests.h"

/* A time that no kernel path takes on any of the emulators. */
#define SLEEP_MS	50
#define SLEEPS		3
/* This part of a sleep would be seen. */
#define SLEEP_PART	20
#define IMMEDIATE_RUNS	1000
/* To wait for an interrupt: a bit at a time, since emulators are slow; a tickless host can take seconds. */
#define SPIN_MS		10
#define MAX_SPINS	500

enum verdict test_load(struct ctx *c, const struct test *test)
{
	const struct load *load = test->load;
	unsigned int n = load_iterations(load, c);
	struct table before, after;
	struct expected e;
	const char *error;
	struct vcpu *v;

	error = load->unavailable ? load->unavailable(c->vendor) : NULL;
	if (error)
		return skip("%s", error);
	v = &new_vm(c, load->vm_flags, 1)->vcpus[0];
	if (load->prepare)
		load->prepare(v);
	read_table(v, c->vendor, &before);
	error = load->run(v, n);
	read_table(v, c->vendor, &after);
	if (error)
		return fail("%s", error);
	expect_start(&e, c, &before);
	expect_load(&e, c, load, n);
	verbose("%u times", n);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_external_interrupt(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	uint64_t khz = vcpu_tsc_khz(v);
	struct table before, after;
	struct expected e;
	int i;

	read_table(v, c->vendor, &before);
	expect_start(&e, c, &before);
	for (i = 0; i < MAX_SPINS; i++) {
		vcpu_call(v, (struct guest_call){ guest_spin, .r8 = SPIN_MS * khz });
		expect_more(&e, c, c->vendor->io, 1);
		if (read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->interrupt).eax >
		    table_count(&before, c->vendor, c->vendor->interrupt))
			break;
		expect_more(&e, c, c->vendor->cpuid, 1);
		expect_more(&e, c, c->vendor->io, 1);
	}
	if (i == MAX_SPINS)
		return skip("no interrupt hit the guest in %d ms", MAX_SPINS * SPIN_MS);
	expect_more(&e, c, c->vendor->cpuid, 1);
	expect_more(&e, c, c->vendor->io, 1);
	read_table(v, c->vendor, &after);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_preemption_timer(struct ctx *c, const struct test *test)
{
	uint32_t reason = c->vendor->preemption_timer, before, after;
	unsigned int n = c->iterations < 100 ? c->iterations : 100;
	struct guest_result r;
	struct table t;
	struct vcpu *v;

	if (reason == NO_REASON)
		return skip("%s has no preemption timer", c->vendor->name);
	if (module_parameter(c->vendor->module, "preemption_timer") != 1)
		return skip("KVM does not use the preemption timer here");
	v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];
	vcpu_timer_on(v);
	before = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason).eax;
	/* Long enough to be back in the guest when it ends. */
	r = vcpu_call(v, (struct guest_call){ guest_spin_timer, .r8 = n, .r9 = vcpu_tsc_khz(v) });
	if (r.r15 != n)
		return fail("%u timers armed, %llu interrupts came", n, (unsigned long long)r.r15);
	after = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason).eax;
	/* At most one for each timer; one that ends while KVM has the vCPU is none. */
	if (after == before || after - before > n)
		return fail("%s: %u exits counted, 1 to %u made", reason_name(c->vendor, reason), after - before, n);
	verbose("%u timers, %u exits", n, after - before);
	read_table(v, c->vendor, &t);
	return check_table(&t);
}

/* A reason's cycles for an exit, in which the vCPU sleeps for @ms at least. */
static uint64_t cycles_of(struct vcpu *v, uint32_t reason, void (*action)(struct vcpu *v, unsigned int ms),
			  unsigned int ms)
{
	struct leaf_read before = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_CYCLES, reason), after;

	action(v, ms);
	after = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_CYCLES, reason);
	return leaf_cycles(&after) - leaf_cycles(&before);
}

/*
 * What sleeping makes of a reason's cycles: nothing.  Of each, the least of some tries: the host's interrupts are work,
 * and a sleep invites them.
 */
static enum verdict check_asleep(const struct ctx *c, struct vcpu *v, uint32_t reason,
				 void (*action)(struct vcpu *v, unsigned int ms))
{
	uint64_t awake = UINT64_MAX, least = UINT64_MAX, cycles, asleep = SLEEP_MS * vcpu_tsc_khz(v);
	int i;

	for (i = 0; i < SLEEPS; i++) {
		cycles = cycles_of(v, reason, action, 0);
		awake = cycles < awake ? cycles : awake;
		cycles = cycles_of(v, reason, action, SLEEP_MS);
		least = cycles < least ? cycles : least;
	}
	note("%s: %llu cycles, %llu with %llu asleep", reason_name(c->vendor, reason), (unsigned long long)awake,
	     (unsigned long long)least, (unsigned long long)asleep);
	if (!awake)
		return fail("%s: the exit took no cycles", reason_name(c->vendor, reason));
	if (least > awake + asleep / SLEEP_PART)
		return fail("%s: %llu cycles counted, while the vCPU was away for %llu", reason_name(c->vendor, reason),
			    (unsigned long long)least, (unsigned long long)asleep);
	return PASS;
}

static void sleep_in_user_space(struct vcpu *v, unsigned int ms)
{
	v->io_delay_us = ms * 1000;
	load_pio_user.run(v, 1);
	v->io_delay_us = 0;
}

static void sleep_in_hlt(struct vcpu *v, unsigned int ms)
{
	vcpu_call(v, (struct guest_call){ guest_hlt_timer, .r8 = 1, .r9 = (ms ? ms : 1) * vcpu_tsc_khz(v) });
}

enum verdict test_time_away(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];
	const char *error = load_hlt.unavailable(c->vendor);

	/* Polling is work, and is test_halt_polling's. */
	vm_set_halt_polling(v->vm, 0);
	if (check_asleep(c, v, c->vendor->io, sleep_in_user_space) == FAIL)
		return FAIL;
	if (error)
		return skip("true for user space, but HLT was not tried: %s", error);
	vcpu_timer_on(v);
	return check_asleep(c, v, c->vendor->hlt, sleep_in_hlt);
}

static void run_immediately_in_user_space(struct vcpu *v, unsigned int runs)
{
	v->immediate_runs = runs;
	load_pio_user.run(v, 1);
	v->immediate_runs = 0;
}

/* How many exits of a reason are counted for one and so many KVM_RUNs that enter no guest, and for what reads it. */
static uint32_t exits_of_immediate_runs(struct vcpu *v, uint32_t reason, unsigned int runs)
{
	uint32_t before = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason).eax;

	run_immediately_in_user_space(v, runs);
	return read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason).eax - before;
}

/* A KVM_RUN that enters no guest is the VMM's time.  Of each, the least of some tries, as in check_asleep(). */
enum verdict test_immediate_exit(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	uint64_t none = UINT64_MAX, least = UINT64_MAX, ticks = UINT64_MAX, cycles, start;
	const uint32_t io = c->vendor->io;
	uint32_t one, exits;
	int i;

	one = exits_of_immediate_runs(v, io, 0);
	exits = exits_of_immediate_runs(v, io, IMMEDIATE_RUNS);
	if (!one || exits != one)
		return fail("%s: %u exits counted with %d KVM_RUNs that enter no guest, %u without",
			    reason_name(c->vendor, io), exits, IMMEDIATE_RUNS, one);
	for (i = 0; i < SLEEPS; i++) {
		cycles = cycles_of(v, io, run_immediately_in_user_space, 0);
		none = cycles < none ? cycles : none;
		start = __builtin_ia32_rdtsc();
		cycles = cycles_of(v, io, run_immediately_in_user_space, IMMEDIATE_RUNS);
		start = __builtin_ia32_rdtsc() - start;
		ticks = start < ticks ? start : ticks;
		least = cycles < least ? cycles : least;
	}
	note("%s: %llu cycles, %llu with %d KVM_RUNs that enter no guest, in %llu ticks", reason_name(c->vendor, io),
	     (unsigned long long)none, (unsigned long long)least, IMMEDIATE_RUNS, (unsigned long long)ticks);
	if (least > none + ticks / SLEEP_PART)
		return fail("%s: %llu cycles counted, %llu without the KVM_RUNs that enter no guest, which took %llu",
			    reason_name(c->vendor, io), (unsigned long long)least, (unsigned long long)none,
			    (unsigned long long)ticks);
	return PASS;
}

/* Whether a reason of the VM has been counted. */
static bool has_exits(struct vcpu *v, uint32_t reason)
{
	return read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason).eax;
}

/*
 * Where the kernel is built with retpolines, VMX's most frequent reasons do not pass its table of handlers: accounting
 * put there misses them.
 */
enum verdict test_direct(struct ctx *c, const struct test *test)
{
	/* In order: the loads of a VM with the kernel's irqchip, then the others. */
	static const uint32_t reasons[] = { 1, 12, 32, 48, 49, 52, 7 };
	const int nr = sizeof(reasons) / sizeof(reasons[0]), with_irqchip = nr - 1;
	struct vcpu *v;
	int i;

	if (c->vendor->id != KVM_EXIT_STATS_VMX)
		return skip("VMX's: SVM dispatches the same way, and each of its loads is tested");
	v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];
	vcpu_timer_on(v);
	load_hlt.run(v, 10);
	load_msr_write.run(v, 10);
	load_page_fault.run(v, 10);
	load_mmio.prepare(v);
	load_mmio.run(v, 10);
	vcpu_call(v, (struct guest_call){ guest_spin_timer, .r8 = 10, .r9 = vcpu_tsc_khz(v) });
	for (i = 0; i < MAX_SPINS && !has_exits(v, c->vendor->interrupt); i++)
		vcpu_call(v, (struct guest_call){ guest_spin, .r8 = SPIN_MS * vcpu_tsc_khz(v) });
	for (i = 0; i < nr; i++) {
		if (i == with_irqchip) {
			v = &new_vm(c, 0, 1)->vcpus[0];
			load_window.run(v, 10);
		}
		if (has_exits(v, reasons[i]))
			continue;
		if (reasons[i] == c->vendor->preemption_timer &&
		    module_parameter(c->vendor->module, "preemption_timer") != 1)
			return skip("KVM does not use the preemption timer here; the others are counted");
		return fail("%s: no exits counted, although some were made", reason_name(c->vendor, reasons[i]));
	}
	return PASS;
}
