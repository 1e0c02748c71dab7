// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

#include <stdlib.h>

#include "tracepoint.h"

/* In the order in which they run: what later tests build on comes first. */
const struct test tests[] = {
	{ "registers", "registers that must be zero are, whatever ECX says", test_registers },
	{ "undefined", "undefined reasons answer EDX=0xFFFFFFFF and zeros", test_undefined },
	{ "never-taken", "defined reasons that are never taken answer zeros", test_never_taken },
	{ "consecutive", "N reads of one leaf in a row give N consecutive values", test_consecutive },
	{ "sum", "the sum over reasons is the total", test_sum },
	{ "cycles", "cycles grow, belong to reasons with exits, and sum up to the total", test_cycles },

	{ "cpuid", "N CPUIDs are N exits", test_load, &load_cpuid },
	{ "cpuid-own", "N CPUIDs of a leaf of the accounting are N exits", test_load, &load_own_leaf },
	{ "pio-kernel", "N port reads that KVM answers are N exits", test_load, &load_pio_kernel },
	{ "pio-user", "N port reads that user space answers are N exits", test_load, &load_pio_user },
	{ "msr-write", "N MSR writes are N exits", test_load, &load_msr_write },
	{ "msr-read", "N MSR reads are N exits", test_load, &load_msr_read },
	{ "tsc-deadline", "N writes of the TSC deadline (a fast path) are N exits", test_load, &load_tsc_deadline },
	{ "self-ipi", "N writes of the x2APIC's ICR (a fast path) are N exits", test_load, &load_self_ipi },
	{ "hypercall", "N hypercalls are N exits", test_load, &load_hypercall },
	{ "hlt", "N HLTs that the LAPIC timer ends are N exits", test_load, &load_hlt },
	{ "hlt-user", "N HLTs that user space ends are N exits", test_load, &load_hlt_user },
	{ "page-fault", "N pages touched first are N EPT violations or nested page faults", test_load,
	  &load_page_fault },
	{ "mmio", "N reads of MMIO that user space answers are N exits (VMX: EPT misconfigurations)", test_load,
	  &load_mmio },
	{ "interrupt-window", "N interrupt windows are N exits", test_load, &load_window },
	{ "external-interrupt", "a guest that only spins takes external interrupts", test_external_interrupt },
	{ "preemption-timer", "a timer that ends in a spinning guest is an exit", test_preemption_timer },
	{ "time-away", "time in user space and blocked is not in cycles", test_time_away },
	{ "immediate-exit", "a KVM_RUN with immediate_exit is no exit, and not in cycles", test_immediate_exit },
	{ "time-oracle", "away cycles are kvm_exit to kvm_entry, by the tracepoints' TSC", test_time_oracle,
	  .extended = true },
	{ "halt-polling", "halt polling is in a HLT's cycles, blocking only in its away cycles", test_halt_polling,
	  .extended = true },
	{ "guest-tsc", "the guest's TSC, its offset and its rate, has no part in the times", test_guest_tsc,
	  .extended = true },
	{ "guest-time", "time in guest mode is not counted", test_guest_time, .extended = true },
	{ "cpu-hog", "time in which another task has the CPU is not in cycles", test_cpu_hog, .extended = true },
	{ "migration", "a vCPU's thread that goes from CPU to CPU loses and invents no time", test_migration,
	  .extended = true },
	{ "fast-path", "exits that re-enter the guest in the fast path are counted", test_fast_path },
	{ "direct", "each reason that KVM dispatches around its handler table is counted", test_direct },
	{ "failed-entry", "a VM entry that fails is an exit, if the processor names a reason", test_failed_entry },
	{ "real-mode", "real mode reads the same; what KVM emulates there is no exit", test_real_mode },
	{ "smm", "system management mode reads the same, and its exits count", test_smm },
	{ "single-step", "N instructions under a debugger are N exits", test_single_step },
	{ "nested", "exits of a nested guest count once, here; L1 or this KVM answers its CPUID", test_nested },

	{ "smp", "several vCPUs at once: counts are exact, from each vCPU", test_smp, .smp = true },
	{ "smp-readers", "several vCPUs reading at once: each sees the total grow, none is lost", test_smp_readers,
	  .smp = true },
	{ "late-vcpu", "a vCPU created late counts, one closed goes on counting", test_late_vcpu },
	{ "two-vms", "two VMs at once do not see each other", test_two_vms },
	{ "fresh-vm", "a VM made after another was destroyed starts at 0", test_fresh_vm },

	{ "races", "reading, exits, ioctls, vCPUs and VMs that come and go, all at once", test_races, .smp = true,
	  .extended = true },
	{ "out-of-memory", "a vCPU's creation fails cleanly at each of its allocations", test_out_of_memory,
	  .extended = true },

	{ "vcpu-reset", "a vCPU's reset keeps the counters and the instance id", test_vcpu_reset, .extended = true },
	{ "reboot", "a VMM that reboots its guest, vCPU by vCPU, finds all exits counted", test_reboot, .extended = true },
	{ "debugfs-clear", "clearing KVM's statistics in debugfs changes nothing", test_debugfs_clear,
	  .extended = true },

	{ "sweep", "every leaf with any ECX answers within the specification", test_sweep, .extended = true },
	{ "emulated", "the instruction emulator's CPUID answers the same", test_emulated, .extended = true },
	{ "cpuid-faulting", "a guest that lets CPUID fault above CPL 0 gets its fault", test_cpuid_faulting },
	{ "privilege", "modes 0, 1 and 2 at each CPL", test_privilege, .extended = true },
	{ "parameter", "kvm.exit_stats is for VMs made later, and its 0 wins over the VMM", test_parameter,
	  .extended = true },
	{ "vmm-entries", "KVM lists no such leaf; a VMM's own show only without accounting", test_vmm_entries,
	  .extended = true },

	{ "kvm-exits", "the total is what KVM's statistic \"exits\" says", test_kvm_exits, .smp = true },
	{ "tracepoint", "each reason equals the kvm_exit tracepoint's histogram, one vCPU", test_tracepoint },
	{ "tracepoint-smp", "each reason equals the kvm_exit tracepoint's histogram, several vCPUs", test_tracepoint,
	  .smp = true },

	{ "cpuid-trace", "the kvm_cpuid tracepoint sees each read of these leaves", test_cpuid_trace },

	{ "ext-class", "signature, version, features, TSC rate, vendor, unassigned leaves", test_ext_class,
	  .extended = true },
	{ "ext-bitmap", "the bitmap is the set of reasons with exits", test_ext_bitmap, .extended = true },
	{ "ext-record", "records agree with the required leaves", test_ext_record, .extended = true },
	{ "ext-away", "away cycles are at least the cycles, and hold time in user space", test_ext_away,
	  .extended = true },
	{ "ext-instance", "the instance id is non-zero, stays, and differs between VMs", test_ext_instance, .smp = true,
	  .extended = true },
	{ "ext-unlisted", "no exit has a reason outside the table", test_ext_unlisted, .extended = true },
	{ "vm-switch", "a VMM switches the accounting of one VM, before its first vCPU", test_vm_switch, .extended = true },
	{ "host-stats", "vCPU statistics of the host agree with the leaves", test_host_stats, .smp = true },
	{ "other-threads", "ioctls on a vCPU that does not run, from its thread or another, cost it nothing",
	  test_other_threads, .extended = true },
};

const int nr_tests = sizeof(tests) / sizeof(tests[0]);

struct vm *new_cold_vm(struct ctx *c, unsigned int flags, int nr_vcpus)
{
	struct vm *vm;

	if (c->nr_vms == MAX_TEST_VMS)
		bail_out("a test makes too many VMs");
	vm = vm_create(flags, nr_vcpus);
	c->vms[c->nr_vms++] = vm;
	return vm;
}

struct vm *new_vm(struct ctx *c, unsigned int flags, int nr_vcpus)
{
	struct vm *vm = new_cold_vm(c, flags, nr_vcpus);
	int i;

	for (i = 0; i < nr_vcpus; i++)
		vcpu_warm(&vm->vcpus[i]);
	return vm;
}

void destroy_vm(struct ctx *c)
{
	vm_destroy(c->vms[--c->nr_vms]);
}

const char *not_invasive(const struct ctx *c)
{
	return c->invasive ? NULL : "touches the host's other VMs: only with --invasive";
}

void tests_clean_up(void)
{
	tracepoint_stop();
	parameters_restore();
}

static int position(const struct ctx *c, uint32_t reason)
{
	int i;

	for (i = 0; i < c->vendor->nr; i++)
		if (c->vendor->reasons[i] == reason)
			return i;
	bail_out("a test expects exits of the undefined reason %#x", reason);
}

void expect_start(struct expected *e, const struct ctx *c, const struct table *before)
{
	*e = (struct expected){ 0 };
	/* The first table's CPUIDs, and the one exit that ended the reading. */
	expect_more(e, c, c->vendor->cpuid, before->reads);
	expect_more(e, c, c->vendor->io, 1);
}

void expect_more(struct expected *e, const struct ctx *c, uint32_t reason, uint32_t n)
{
	e->count[position(c, reason)] += n;
}

void expect_at_least(struct expected *e, const struct ctx *c, uint32_t reason)
{
	e->at_least[position(c, reason)] = true;
}

void expect_any(struct expected *e, const struct ctx *c, uint32_t reason)
{
	if (reason != NO_REASON)
		e->any[position(c, reason)] = true;
}

enum verdict check_table(const struct table *t)
{
	/* What the host added while the table was read may be in the sum or not. */
	if (t->sum - t->total > t->disturbed)
		return fail("the total is %u, the sum over reasons %u, with %u exits in between", t->total, t->sum,
			    t->disturbed);
	return PASS;
}

enum verdict check_delta(const struct ctx *c, const struct table *before, const struct table *after,
			 const struct expected *e)
{
	const struct vendor *v = c->vendor;
	int i;

	if (check_table(before) == FAIL || check_table(after) == FAIL)
		return FAIL;
	for (i = 0; i < v->nr; i++) {
		uint32_t n = after->count[i] - before->count[i];

		if (n)
			verbose("%s: %u", reason_name(v, v->reasons[i]), n);
		if (e->any[i] || n == e->count[i])
			continue;
		if (!reason_is_host_caused(v, v->reasons[i]) && !e->at_least[i])
			return fail("%s: %u exits counted, %u made", reason_name(v, v->reasons[i]), n, e->count[i]);
		if (n < e->count[i])
			return fail("%s: %u exits counted, at least %u made", reason_name(v, v->reasons[i]), n,
				    e->count[i]);
	}
	return PASS;
}
