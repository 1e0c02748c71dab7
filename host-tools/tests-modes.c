// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is answered what: privilege, both of KVM's CPUID paths, what the VMM gives, and any ECX. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

#include "files.h"
#include "tests.h"

#define EMULATION_PREFIX	"/sys/module/kvm/parameters/force_emulation_prefix"
#define EXIT_STATS		"/sys/module/kvm/parameters/exit_stats"
#define NOBODY			65534
#define VMM_EAX			0x0eaa1234	/* what the VMM gives for our leaves */

/* Parameters of KVM that tests set, and what they were; "" if they are that. */
static struct parameter {
	const char *path;
	char old[16];
} emulation_prefix = { EMULATION_PREFIX }, exit_stats = { EXIT_STATS };

static void parameter_restore(struct parameter *p)
{
	if (*p->old)
		write_file(p->path, p->old);
	*p->old = 0;
}

void parameters_restore(void)
{
	parameter_restore(&emulation_prefix);
	parameter_restore(&exit_stats);
}

/* NULL, or why it cannot be set. */
static const char *parameter_set(const struct ctx *c, struct parameter *p, const char *value)
{
	static char cannot[120];
	const char *error = not_invasive(c);
	bool known;
	FILE *f;

	if (error)
		return error;
	f = fopen(p->path, "re");
	known = f && fgets(p->old, sizeof(p->old), f);
	if (f)
		fclose(f);
	if (known && !write_file(p->path, value))
		return NULL;
	*p->old = 0;
	snprintf(cannot, sizeof(cannot), "%s cannot be written: run it as root", p->path);
	return cannot;
}

/* NULL, or why guest_cpuid_emulated cannot be had. */
static const char *emulation_prefix_on(const struct ctx *c)
{
	return parameter_set(c, &emulation_prefix, "1");
}

/* One CPUID, by either path. */
static struct leaf_read read_by(const char *rip, struct vcpu *v, uint32_t leaf, uint32_t index, bool *faulted)
{
	struct leaf_read r = { leaf, index };

	memcpy(vcpu_data(v), &r, sizeof(r));
	*faulted = vcpu_call(v, (struct guest_call){ rip, .rdi = vcpu_data_gpa(v), .r8 = 1 }).faulted;
	memcpy(&r, vcpu_data(v), sizeof(r));
	return r;
}

static bool same_answer(const struct leaf_read *a, const struct leaf_read *b)
{
	return a->eax == b->eax && a->ebx == b->ebx && a->ecx == b->ecx && a->edx == b->edx;
}

/* The number that a leaf of the totals, or of a reason, answers; a record's is its cycles. */
static uint64_t total_of(const struct leaf_read *r)
{
	switch (r->leaf) {
	case KVM_EXIT_STATS_CPUID_TOTAL_COUNT:
	case KVM_EXIT_STATS_CPUID_REASON_COUNT:
		return r->eax;
	case KVM_EXIT_STATS_CPUID_TOTAL_CYCLES:
	case KVM_EXIT_STATS_CPUID_REASON_CYCLES:
		return low_high(r->ecx, r->ebx);
	case KVM_EXIT_STATS_CPUID_TOTAL_RECORD:
	case KVM_EXIT_STATS_CPUID_RECORD:
		return low_high(r->ecx, r->edx);
	default:
		return low_high(r->eax, r->ebx);
	}
}

/* What the emulator answers lies between what two exits do, and is zero where they are. */
static enum verdict emulated_between(struct vcpu *v, uint32_t leaf, uint32_t index, bool must_grow)
{
	struct leaf_read before, between, after;
	bool faulted;

	before = read_by(guest_cpuid, v, leaf, index, &faulted);
	between = read_by(guest_cpuid_emulated, v, leaf, index, &faulted);
	after = read_by(guest_cpuid, v, leaf, index, &faulted);
	if (total_of(&before) + must_grow > total_of(&between) || total_of(&between) + must_grow > total_of(&after) ||
	    !total_of(&between))
		return fail("leaf %#x, ECX %#x: %llu, through the emulator %llu, then %llu", leaf, index,
			    (unsigned long long)total_of(&before), (unsigned long long)total_of(&between),
			    (unsigned long long)total_of(&after));
	if ((!after.eax && between.eax) || (!after.ebx && between.ebx) || (!after.ecx && between.ecx) ||
	    (!after.edx && between.edx))
		return fail("leaf %#x: the emulator's EAX=%#x EBX=%#x ECX=%#x EDX=%#x has more than the exit's", leaf,
			    between.eax, between.ebx, between.ecx, between.edx);
	return PASS;
}

/* A reason that occurs for the first time between two reads may add a bit. */
static enum verdict emulated_bitmap(struct vcpu *v)
{
	const uint32_t leaf = KVM_EXIT_STATS_CPUID_BITMAP;
	struct leaf_read before, between, after;
	uint32_t i, seen = 0;
	bool faulted;

	for (i = 0; i < 4; i++) {
		before = read_by(guest_cpuid, v, leaf, i, &faulted);
		between = read_by(guest_cpuid_emulated, v, leaf, i, &faulted);
		after = read_by(guest_cpuid, v, leaf, i, &faulted);
		if ((before.eax & ~between.eax) | (before.ebx & ~between.ebx) | (before.ecx & ~between.ecx) |
		    (before.edx & ~between.edx) | (between.eax & ~after.eax) | (between.ebx & ~after.ebx) |
		    (between.ecx & ~after.ecx) | (between.edx & ~after.edx))
			return fail("the bitmap's part %u: through the emulator EAX=%#x EBX=%#x ECX=%#x EDX=%#x, by the exit "
				    "EAX=%#x EBX=%#x ECX=%#x EDX=%#x", i, between.eax, between.ebx, between.ecx,
				    between.edx, after.eax, after.ebx, after.ecx, after.edx);
		seen |= between.eax | between.ebx | between.ecx | between.edx;
	}
	return seen ? PASS : fail("the bitmap is empty through the emulator");
}

/* The exception that brings KVM to emulate: #UD. */
static uint32_t emulation_exit(const struct ctx *c)
{
	return c->vendor->id == KVM_EXIT_STATS_VMX ? 0 : 0x46;
}

static enum verdict emulated(struct ctx *c)
{
	static const uint32_t of_reason[] = {
		KVM_EXIT_STATS_CPUID_REASON_COUNT, KVM_EXIT_STATS_CPUID_REASON_CYCLES,
		KVM_EXIT_STATS_CPUID_RECORD, KVM_EXIT_STATS_CPUID_AWAY,
	};
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	uint32_t reason = emulation_exit(c), want, cpuids;
	struct leaf_read exited, again;
	unsigned int i;
	bool faulted;

	want = read_by(guest_cpuid_emulated, v, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason, &faulted).eax;
	cpuids = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->cpuid).eax;
	for (i = 1; i <= c->iterations; i++) {
		again = read_by(guest_cpuid_emulated, v, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason, &faulted);
		want++;
		/* On VMX the host's NMIs share the reason. */
		if (again.eax > want && reason_is_host_caused(c->vendor, reason))
			want = again.eax;
		if (again.eax != want || again.ebx || again.ecx || again.edx)
			return fail("read %u through the emulator: EAX=%u EBX=%u ECX=%u EDX=%u instead of %u and zeros",
				    i, again.eax, again.ebx, again.ecx, again.edx, want);
	}
	/* An emulated CPUID is an exit, but not a CPUID exit. */
	i = read_leaf(v, KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->cpuid).eax;
	if (i != cpuids + 1)
		return fail("%u CPUID exits counted, 1 made", i - cpuids);
	for (i = 0; i <= KVM_EXIT_STATS_CPUID_LAST - KVM_EXIT_STATS_CPUID_BASE; i++) {
		/* With an undefined reason and an index beyond the bitmap nothing in the answers moves. */
		uint32_t leaf = KVM_EXIT_STATS_CPUID_BASE + i;

		if (leaf == KVM_EXIT_STATS_CPUID_TOTAL_RECORD || leaf == KVM_EXIT_STATS_CPUID_TOTAL_AWAY ||
		    leaf == KVM_EXIT_STATS_CPUID_TOTAL_COUNT || leaf == KVM_EXIT_STATS_CPUID_TOTAL_CYCLES) {
			if (emulated_between(v, leaf, 0, true) != PASS)
				return FAIL;
			continue;
		}
		exited = read_by(guest_cpuid, v, leaf, 0xffff, &faulted);
		again = read_by(guest_cpuid_emulated, v, leaf, 0xffff, &faulted);
		if (!same_answer(&exited, &again))
			return fail("leaf %#x: the exit answers EAX=%#x EBX=%#x ECX=%#x EDX=%#x, the emulator "
				    "EAX=%#x EBX=%#x ECX=%#x EDX=%#x", leaf, exited.eax, exited.ebx, exited.ecx,
				    exited.edx, again.eax, again.ebx, again.ecx, again.edx);
	}
	/* Leaves of a reason that has exits, and of one that never has. */
	for (i = 0; i < sizeof(of_reason) / sizeof(of_reason[0]); i++) {
		if (emulated_between(v, of_reason[i], c->vendor->cpuid, false) != PASS)
			return FAIL;
		again = read_by(guest_cpuid_emulated, v, of_reason[i], c->vendor->never_taken[0], &faulted);
		if (again.eax || again.ebx || again.ecx || again.edx)
			return fail("leaf %#x through the emulator, of a reason that is never taken: EAX=%#x EBX=%#x "
				    "ECX=%#x EDX=%#x", of_reason[i], again.eax, again.ebx, again.ecx, again.edx);
	}
	return emulated_bitmap(v);
}

enum verdict test_emulated(struct ctx *c, const struct test *test)
{
	const char *error = emulation_prefix_on(c);
	enum verdict verdict;

	if (error)
		return skip("%s", error);
	verdict = emulated(c);
	parameter_restore(&emulation_prefix);
	return verdict;
}

/* With the CPUID exit, then, where that can be had, with the emulator. */
static enum verdict by_both_paths(struct ctx *c, enum verdict (*check)(struct ctx *c, const char *rip))
{
	enum verdict verdict = check(c, guest_cpuid);
	const char *error;

	if (verdict != PASS)
		return verdict;
	error = emulation_prefix_on(c);
	if (error)
		return skip("true for CPUID exits, but the emulator was not tried: %s", error);
	verdict = check(c, guest_cpuid_emulated);
	parameter_restore(&emulation_prefix);
	return verdict;
}

static enum verdict check_fault(struct vcpu *v, const char *rip, int cpl, bool want)
{
	struct leaf_read r;
	bool faulted;

	vcpu_set_cpl(v, cpl);
	r = read_by(rip, v, KVM_EXIT_STATS_CPUID_TOTAL_COUNT, 0, &faulted);
	if (faulted != want)
		return fail("CPUID at CPL %d%s %s", cpl, rip == guest_cpuid ? "" : " in the emulator",
			    want ? "answers in spite of CPUID faulting" : "faults");
	if (!faulted && !r.eax)
		return fail("CPUID at CPL %d%s reads a total of 0", cpl, rip == guest_cpuid ? "" : " in the emulator");
	return PASS;
}

static enum verdict cpuid_faulting(struct ctx *c, const char *rip)
{
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];

	v->may_fault = true;
	if (check_fault(v, rip, 0, false) == FAIL || check_fault(v, rip, 3, false) == FAIL)
		return FAIL;
	vcpu_set_msr(v, MSR_MISC_FEATURES, 1);
	if (check_fault(v, rip, 0, false) == FAIL || check_fault(v, rip, 3, true) == FAIL)
		return FAIL;
	return PASS;
}

enum verdict test_cpuid_faulting(struct ctx *c, const struct test *test)
{
	return by_both_paths(c, cpuid_faulting);
}

/* 16-bit code; where the processor cannot run that itself, KVM emulates it without an exit. */
enum verdict test_real_mode(struct ctx *c, const struct test *test)
{
	unsigned int n = c->iterations < 1000 ? c->iterations : 1000, i, step = 1;
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	uint32_t reads[1000], before, after;

	if (module_parameter(c->vendor->module, "unrestricted_guest") == 0)
		step = 0;
	before = read_leaf(v, KVM_EXIT_STATS_CPUID_TOTAL_COUNT, 0).eax;
	vcpu_set_real_mode(v);
	vcpu_call(v, (struct guest_call){ guest_real, .rdi = vcpu_data_gpa(v), .rsi = n });
	memcpy(reads, vcpu_data(v), n * sizeof(*reads));
	vcpu_set_cpl(v, 0);
	after = read_leaf(v, KVM_EXIT_STATS_CPUID_TOTAL_COUNT, 0).eax;
	for (i = 1; i < n; i++)
		if (reads[i] < reads[i - 1] + step)
			return fail("read %u in real mode is %u, after %u", i, reads[i], reads[i - 1]);
	note("%u reads in real mode, %s: %u exits", n, step ? "each an exit" : "emulated", reads[n - 1] - reads[0]);
	/* Only the host can add to it. */
	if (reads[n - 1] - reads[0] > step * (n - 1) + n / 10)
		return fail("%u exits counted in %u reads%s", reads[n - 1] - reads[0], n,
			    step ? "" : ", which KVM emulated without one");
	if (reads[0] <= before || after <= reads[n - 1])
		return fail("the total was %u, in real mode %u to %u, and then %u", before, reads[0], reads[n - 1], after);
	return PASS;
}

enum verdict test_failed_entry(struct ctx *c, const struct test *test)
{
	/* "VM-entry failure due to invalid guest state", without the flag in bit 31, and VMEXIT_INVALID. */
	uint32_t reason = c->vendor->id == KVM_EXIT_STATS_VMX ? 33 : 0xffffffff;
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	unsigned int n = 10, i;
	struct table before, after;
	struct expected e;

	if (module_parameter(c->vendor->module, "unrestricted_guest") == 0)
		return skip("KVM emulates such a state instead (module parameter unrestricted_guest)");
	read_table(v, c->vendor, &before);
	expect_start(&e, c, &before);
	v->may_fail = true;
	for (i = 0; i < n; i++) {
		vcpu_set_bad_state(v);
		if (!vcpu_call(v, (struct guest_call){ guest_nothing }).failed)
			return skip("the processor enters a guest in a state that it should refuse");
	}
	v->may_fail = false;
	vcpu_set_cpl(v, 0);
	expect_more(&e, c, reason, n);
	read_table(v, c->vendor, &after);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_single_step(struct ctx *c, const struct test *test)
{
	/* Exceptions, of which a debugger's are #DB. */
	uint32_t reason = c->vendor->id == KVM_EXIT_STATS_VMX ? 0 : 0x41;
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	unsigned int n = c->iterations;
	struct table before, after;
	struct expected e;

	read_table(v, c->vendor, &before);
	expect_start(&e, c, &before);
	/*
	 * Not to the end of the call: Bochs 2.7 would leave the trap of an instruction that exits pending, for
	 * whatever comes next.
	 */
	v->steps = n;
	vcpu_call(v, (struct guest_call){ guest_load, .rdi = vcpu_data_gpa(v), .r8 = n });
	if (v->debug_stops != n)
		return fail("a debugger stopped the guest %llu times in %u instructions",
			    (unsigned long long)v->debug_stops, n);
	expect_more(&e, c, reason, n);
	expect_more(&e, c, c->vendor->io, 1);
	read_table(v, c->vendor, &after);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_smm(struct ctx *c, const struct test *test)
{
	/* RSM: Intel's raises an exception outside of the processor's own SMM, by which KVM emulates it. */
	uint32_t rsm = c->vendor->id == KVM_EXIT_STATS_VMX ? 0 : 0x73;
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	unsigned int n = c->iterations < 100 ? c->iterations : 100, i;
	struct table before, after;
	uint32_t total, last;
	struct expected e;

	if (!kvm_has(KVM_CAP_X86_SMM))
		return skip("KVM has no system management mode here");
	if (module_parameter(c->vendor->module, "unrestricted_guest") == 0)
		return skip("KVM emulates this mode here, as it does real mode (module parameter unrestricted_guest)");
	vm_prepare_smm(v->vm);
	read_table(v, c->vendor, &before);
	expect_start(&e, c, &before);
	last = before.total;
	for (i = 0; i < n; i++) {
		vcpu_smi(v);
		vcpu_call(v, (struct guest_call){ guest_nothing, .rdi = vcpu_data_gpa(v) });
		memcpy(&total, vcpu_data(v), sizeof(total));
		if (total <= last)
			return fail("in system management mode the total reads %u, after %u", total, last);
		last = total;
	}
	expect_more(&e, c, c->vendor->cpuid, n);
	expect_more(&e, c, rsm, n);
	expect_more(&e, c, c->vendor->io, n);
	/* This mode has page tables of its own. */
	expect_any(&e, c, c->vendor->page_fault);
	read_table(v, c->vendor, &after);
	return check_delta(c, &before, &after, &e);
}

static bool has_accounting(struct vcpu *v)
{
	struct leaf_read r = read_leaf(v, KVM_EXIT_STATS_CPUID_BASE, 0);

	return leaf_is_signature(&r);
}

/* With the parameter at 0. */
static enum verdict parameter_off(struct ctx *c, struct vcpu *old)
{
	struct table before, after;
	struct expected e;
	struct vcpu *late;
	struct vm *vm;
	int error;

	if (has_accounting(&new_vm(c, 0, 1)->vcpus[0]))
		return fail("a VM made with the parameter at 0 has accounting");
	vm = new_cold_vm(c, 0, 0);
	error = vm_choose_mode(vm, KVM_EXIT_STATS_MODE_ON, 0);
	if (error)
		return fail("with the parameter at 0 KVM_ENABLE_CAP fails: %s", strerror(error));
	if (has_accounting(vm_add_vcpu(vm)))
		return fail("the VMM's choice wins over the host's 0");

	read_table(old, c->vendor, &before);
	late = vm_add_vcpu(old->vm);
	vcpu_warm(late);
	load_cpuid.run(late, c->iterations);
	load_cpuid.run(old, c->iterations);
	expect_start(&e, c, &before);
	expect_any(&e, c, c->vendor->page_fault);
	expect_more(&e, c, c->vendor->io, 2);
	expect_load(&e, c, &load_cpuid, c->iterations);
	expect_load(&e, c, &load_cpuid, c->iterations);
	read_table(old, c->vendor, &after);
	return check_delta(c, &before, &after, &e);
}

/* In a process of somebody else's: it must read the parameter, and not write it. */
static enum verdict only_root_writes(void)
{
	enum { FINE, NO_READ, WRITES, STILL_ROOT };
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return skip("cannot start another process: %s", strerror(errno));
	if (!pid) {
		if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
			_exit(STILL_ROOT);
		if (open(exit_stats.path, O_RDONLY | O_CLOEXEC) < 0)
			_exit(NO_READ);
		_exit(open(exit_stats.path, O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES ? FINE : WRITES);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return fail("the other process did not end as it should");
	switch (WEXITSTATUS(status)) {
	case FINE:
		return PASS;
	case NO_READ:
		return fail("%s: who is not root cannot read it", exit_stats.path);
	case WRITES:
		return fail("%s: who is not root can write it", exit_stats.path);
	}
	return skip("cannot become somebody else");
}

enum verdict test_parameter(struct ctx *c, const struct test *test)
{
	struct vcpu *old = &new_vm(c, 0, 1)->vcpus[0];
	const char *error = parameter_set(c, &exit_stats, "0");
	enum verdict verdict;

	if (error)
		return skip("%s", error);
	verdict = parameter_off(c, old);
	parameter_restore(&exit_stats);
	return verdict == PASS ? only_root_writes() : verdict;
}

static struct vcpu *vcpu_in_mode(struct ctx *c, uint64_t mode)
{
	struct vm *vm = new_cold_vm(c, VM_MARK_HIGHEST, 0);
	int error = vm_choose_mode(vm, mode, 0);
	struct vcpu *v;

	if (error)
		bail_out("KVM_ENABLE_CAP, mode %llu: %s", (unsigned long long)mode, strerror(error));
	v = vm_add_vcpu(vm);
	vcpu_warm(v);
	return v;
}

/* Whether a vCPU's answers are, for all leaves, those of one without accounting. */
static enum verdict check_mode(struct ctx *c, struct vcpu *v, struct vcpu *off, const char *rip, uint64_t mode, int cpl)
{
	bool visible = mode == KVM_EXIT_STATS_MODE_ON || (mode == KVM_EXIT_STATS_MODE_KERNEL && !cpl), faulted;
	struct leaf_read r, stock;
	uint32_t leaf;

	vcpu_set_cpl(v, cpl);
	vcpu_set_cpl(off, cpl);
	r = read_by(rip, v, KVM_EXIT_STATS_CPUID_BASE, 0, &faulted);
	if (leaf_is_signature(&r) != visible)
		return fail("mode %llu, CPL %d: the signature is %s", (unsigned long long)mode, cpl,
			    visible ? "missing" : "there");
	r = read_by(rip, v, KVM_EXIT_STATS_CPUID_REASON_COUNT, 0xffff, &faulted);
	if ((r.edx == KVM_EXIT_STATS_UNDEFINED) != visible)
		return fail("mode %llu, CPL %d: leaf %#x, ECX=0xffff: EDX=%#x", (unsigned long long)mode, cpl, r.leaf,
			    r.edx);
	for (leaf = KVM_EXIT_STATS_CPUID_BASE; !visible && leaf <= KVM_EXIT_STATS_CPUID_LAST; leaf++) {
		r = read_by(rip, v, leaf, c->vendor->cpuid, &faulted);
		stock = read_by(rip, off, leaf, c->vendor->cpuid, &faulted);
		if (!same_answer(&r, &stock))
			return fail("mode %llu, CPL %d, leaf %#x: EAX=%#x EBX=%#x ECX=%#x EDX=%#x, without accounting "
				    "%#x %#x %#x %#x", (unsigned long long)mode, cpl, leaf, r.eax, r.ebx, r.ecx, r.edx,
				    stock.eax, stock.ebx, stock.ecx, stock.edx);
	}
	return PASS;
}

static enum verdict check_modes(struct ctx *c, const char *rip)
{
	struct vcpu *off = vcpu_in_mode(c, KVM_EXIT_STATS_MODE_OFF), *v;
	uint64_t mode;
	int cpl;

	for (mode = 0; mode <= KVM_EXIT_STATS_MODE_MAX; mode++) {
		v = vcpu_in_mode(c, mode);
		for (cpl = 0; cpl <= 3; cpl++)
			if (check_mode(c, v, off, rip, mode, cpl) == FAIL)
				return FAIL;
		destroy_vm(c);
	}
	destroy_vm(c);
	return PASS;
}

enum verdict test_privilege(struct ctx *c, const struct test *test)
{
	return by_both_paths(c, check_modes);
}

static bool has_own_leaf(const struct kvm_cpuid2 *cpuid)
{
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function >= KVM_EXIT_STATS_CPUID_BASE &&
		    cpuid->entries[i].function <= KVM_EXIT_STATS_CPUID_LAST)
			return true;
	return false;
}

static enum verdict check_lists(struct vcpu *v)
{
	struct kvm_cpuid2 *lists[] = { kvm_supported_cpuid(), kvm_emulated_cpuid(), vcpu_cpuid(v) };
	static const char *const names[] = { "KVM_GET_SUPPORTED_CPUID", "KVM_GET_EMULATED_CPUID", "KVM_GET_CPUID2" };
	enum verdict verdict = PASS;
	int i;

	for (i = 0; i < 3; i++) {
		if (has_own_leaf(lists[i]))
			verdict = fail("%s lists a leaf of the accounting", names[i]);
		free(lists[i]);
	}
	return verdict;
}

enum verdict test_vmm_entries(struct ctx *c, const struct test *test)
{
	/* All that have a meaning, and one that has none yet. */
	static const uint32_t leaves[] = {
		KVM_EXIT_STATS_CPUID_BASE, KVM_EXIT_STATS_CPUID_FEATURES, KVM_EXIT_STATS_CPUID_BITMAP,
		KVM_EXIT_STATS_CPUID_RECORD, KVM_EXIT_STATS_CPUID_TOTAL_RECORD, KVM_EXIT_STATS_CPUID_AWAY,
		KVM_EXIT_STATS_CPUID_INSTANCE, KVM_EXIT_STATS_CPUID_TOTAL_AWAY, KVM_EXIT_STATS_CPUID_UNLISTED,
		KVM_EXIT_STATS_CPUID_BASE + 0x80, KVM_EXIT_STATS_CPUID_TOTAL_COUNT, KVM_EXIT_STATS_CPUID_TOTAL_CYCLES,
		KVM_EXIT_STATS_CPUID_REASON_COUNT, KVM_EXIT_STATS_CPUID_REASON_CYCLES,
	};
	const int nr = sizeof(leaves) / sizeof(leaves[0]);
	struct kvm_cpuid_entry2 entries[sizeof(leaves) / sizeof(leaves[0])] = { 0 };
	struct leaf_read r;
	struct vcpu *v;
	struct vm *vm;
	int i, mode, cpl, error;

	if (check_lists(&new_cold_vm(c, 0, 1)->vcpus[0]) == FAIL)
		return FAIL;
	for (i = 0; i < nr; i++)
		entries[i] = (struct kvm_cpuid_entry2){
			.function = leaves[i], .eax = VMM_EAX, .ebx = VMM_EAX, .ecx = VMM_EAX, .edx = VMM_EAX,
		};
	for (mode = KVM_EXIT_STATS_MODE_OFF; mode <= KVM_EXIT_STATS_MODE_MAX; mode++) {
		vm = new_cold_vm(c, 0, 0);
		error = vm_choose_mode(vm, mode, 0);
		if (error)
			return fail("KVM_ENABLE_CAP, mode %d: %s", mode, strerror(error));
		vm->extra_cpuid = entries;
		vm->nr_extra_cpuid = nr;
		v = vm_add_vcpu(vm);
		for (cpl = 0; cpl <= 3; cpl += 3) {
			bool visible = mode == KVM_EXIT_STATS_MODE_ON || (mode == KVM_EXIT_STATS_MODE_KERNEL && !cpl);

			vcpu_set_cpl(v, cpl);
			for (i = 0; i < nr; i++) {
				r = read_leaf(v, leaves[i], c->vendor->cpuid);
				if (!visible && (r.eax != VMM_EAX || r.ebx != VMM_EAX || r.ecx != VMM_EAX ||
						 r.edx != VMM_EAX))
					return fail("leaf %#x, mode %d, CPL %d: the VMM's entry does not show", leaves[i],
						    mode, cpl);
				if (visible && (r.eax == VMM_EAX || r.ebx == VMM_EAX || r.ecx == VMM_EAX ||
						r.edx == VMM_EAX))
					return fail("leaf %#x, mode %d, CPL %d: the VMM's entry shows", leaves[i], mode,
						    cpl);
			}
		}
		destroy_vm(c);
	}
	return PASS;
}

/* Indexes of the sweep: all up to 0x10000 with --full, else those around the tables; then random ones. */
#define NR_NEAR		0x500
#define NR_FULL		0x10001
#define STRIDE		251
#define NR_RANDOM	200
#define NR_RANDOM_FULL	4000

static uint32_t sweep_indexes(uint32_t *indexes, bool full)
{
	uint32_t n = 0, i, random = 2463534242u;

	for (i = 0; i < NR_FULL; i += full || i < NR_NEAR ? 1 : STRIDE)
		indexes[n++] = i;
	for (i = 0; i < (full ? NR_RANDOM_FULL : NR_RANDOM); i++) {
		/* Marsaglia's xorshift: repeatable. */
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		indexes[n++] = random;
	}
	indexes[n++] = 0x80000000u | 10;
	indexes[n++] = 0xfffffffeu;
	indexes[n++] = 0xffffffffu;
	return n;
}

static bool is_all(const struct leaf_read *r, uint32_t value)
{
	return r->eax == value && r->ebx == value && r->ecx == value && r->edx == value;
}

/* What a register may hold whatever has happened in the VM. */
static bool is_legal(const struct ctx *c, const struct leaf_read *r)
{
	bool defined = reason_is_defined(c->vendor, r->index);

	switch (r->leaf) {
	case KVM_EXIT_STATS_CPUID_TOTAL_COUNT:
		return r->eax && !r->ebx && !r->ecx && !r->edx;
	case KVM_EXIT_STATS_CPUID_TOTAL_CYCLES:
		return !r->eax && (r->ebx || r->ecx) && !r->edx;
	case KVM_EXIT_STATS_CPUID_REASON_COUNT:
		if (!defined)
			return !r->eax && !r->ebx && !r->ecx && r->edx == KVM_EXIT_STATS_UNDEFINED;
		return !r->ebx && !r->ecx && !r->edx;
	case KVM_EXIT_STATS_CPUID_REASON_CYCLES:
		if (!defined)
			return !r->eax && !r->ebx && !r->ecx && r->edx == KVM_EXIT_STATS_UNDEFINED;
		return !r->eax && !r->edx;
	case KVM_EXIT_STATS_CPUID_BASE:
		return r->eax == KVM_EXIT_STATS_CPUID_LAST && leaf_is_signature(r);
	case KVM_EXIT_STATS_CPUID_FEATURES:
		return r->eax == 1 && r->ebx == 0x3f && r->ecx && r->edx == c->vendor->id;
	case KVM_EXIT_STATS_CPUID_BITMAP:
		return r->index < NR_INDEXES / 128 || is_all(r, 0);
	case KVM_EXIT_STATS_CPUID_RECORD:
		/* A million exits at most, so far. */
		return defined ? !r->ebx : is_all(r, KVM_EXIT_STATS_UNDEFINED);
	case KVM_EXIT_STATS_CPUID_TOTAL_RECORD:
		return r->eax && !r->ebx && (r->ecx || r->edx);
	case KVM_EXIT_STATS_CPUID_AWAY:
		return defined ? !r->ecx && !r->edx : is_all(r, KVM_EXIT_STATS_UNDEFINED);
	case KVM_EXIT_STATS_CPUID_INSTANCE:
		return r->eax && r->ebx == 1 && !r->ecx && !r->edx;
	case KVM_EXIT_STATS_CPUID_TOTAL_AWAY:
		return (r->eax || r->ebx) && !r->ecx && !r->edx;
	default:
		/* UNLISTED, too: no processor so far has such a reason. */
		return is_all(r, 0);
	}
}

static const uint32_t sweep_leaves[] = {
	KVM_EXIT_STATS_CPUID_TOTAL_COUNT, KVM_EXIT_STATS_CPUID_TOTAL_CYCLES, KVM_EXIT_STATS_CPUID_REASON_COUNT,
	KVM_EXIT_STATS_CPUID_REASON_CYCLES, KVM_EXIT_STATS_CPUID_BASE, KVM_EXIT_STATS_CPUID_FEATURES,
	KVM_EXIT_STATS_CPUID_BITMAP, KVM_EXIT_STATS_CPUID_RECORD, KVM_EXIT_STATS_CPUID_TOTAL_RECORD,
	KVM_EXIT_STATS_CPUID_AWAY, KVM_EXIT_STATS_CPUID_INSTANCE, KVM_EXIT_STATS_CPUID_TOTAL_AWAY,
	KVM_EXIT_STATS_CPUID_UNLISTED,
	/* unassigned */
	KVM_EXIT_STATS_CPUID_UNLISTED + 1, KVM_EXIT_STATS_CPUID_BASE + 0x80, KVM_EXIT_STATS_CPUID_TOTAL_COUNT - 1,
};

#define NR_SWEEP_LEAVES	(sizeof(sweep_leaves) / sizeof(sweep_leaves[0]))

/* What judges, or keeps, an answer: false if it will not do. */
typedef bool sweep_fn(void *arg, const struct leaf_read *r);

/* Reads a leaf with these indexes, in batches. */
static enum verdict sweep_leaf(struct vcpu *v, uint32_t leaf, const uint32_t *indexes, uint32_t nr, sweep_fn *fn,
			       void *arg)
{
	static struct leaf_read reads[MAX_READS];
	uint32_t at, n, i;

	for (at = 0; at < nr; at += n) {
		n = nr - at < MAX_READS ? nr - at : MAX_READS;
		for (i = 0; i < n; i++)
			reads[i] = (struct leaf_read){ leaf, indexes[at + i] };
		read_leaves(v, reads, n);
		for (i = 0; i < n; i++)
			if (!fn(arg, &reads[i]))
				return fail("leaf %#x, ECX=%#x: EAX=%#x EBX=%#x ECX=%#x EDX=%#x", reads[i].leaf,
					    reads[i].index, reads[i].eax, reads[i].ebx, reads[i].ecx, reads[i].edx);
	}
	return PASS;
}

static bool in_sweep(uint32_t leaf)
{
	size_t i;

	for (i = 0; i < NR_SWEEP_LEAVES; i++)
		if (sweep_leaves[i] == leaf)
			return true;
	return false;
}

/* The leaves above with all indexes, all others of the class with a few. */
static enum verdict sweep(struct vcpu *v, bool full, sweep_fn *fn, void *arg)
{
	static const uint32_t few[] = { 0, 1, 0x72, 0xffff, 0x10000, 0xffffffffu };
	static uint32_t indexes[NR_FULL + NR_RANDOM_FULL + 8];
	uint32_t nr = sweep_indexes(indexes, full), leaf;
	enum verdict verdict = PASS;
	size_t i;

	for (i = 0; i < NR_SWEEP_LEAVES && verdict == PASS; i++)
		verdict = sweep_leaf(v, sweep_leaves[i], indexes, nr, fn, arg);
	for (i = 0; i <= KVM_EXIT_STATS_CPUID_LAST - KVM_EXIT_STATS_CPUID_BASE && verdict == PASS; i++) {
		leaf = KVM_EXIT_STATS_CPUID_BASE + i;
		if (!in_sweep(leaf))
			verdict = sweep_leaf(v, leaf, few, sizeof(few) / sizeof(few[0]), fn, arg);
	}
	note("%zu leaves, %u values of ECX each; all others of the 256, %zu values each", NR_SWEEP_LEAVES, nr,
	     sizeof(few) / sizeof(few[0]));
	return verdict;
}

static bool sweep_is_legal(void *arg, const struct leaf_read *r)
{
	return is_legal(arg, r);
}

enum verdict test_sweep(struct ctx *c, const struct test *test)
{
	struct vcpu *v = &new_vm(c, VM_IRQCHIP, 1)->vcpus[0];

	prepare_mix(c, v);
	run_mix(c, v, 10);
	return sweep(v, c->full, sweep_is_legal, c);
}

/* Ranges of equal answers: all that a kernel without accounting answers fits a page. */
struct dump {
	struct leaf_read first;
	uint32_t last;
};

static void dump_range(const struct dump *d)
{
	if (d->first.leaf)
		printf("leaf %#x ECX %#x-%#x: %08x %08x %08x %08x\n", d->first.leaf, d->first.index, d->last,
		       d->first.eax, d->first.ebx, d->first.ecx, d->first.edx);
}

static bool dump_answer(void *arg, const struct leaf_read *r)
{
	struct dump *d = arg;

	if (d->first.leaf != r->leaf || !same_answer(&d->first, r)) {
		dump_range(d);
		d->first = *r;
	}
	d->last = r->index;
	return true;
}

void dump_leaves(bool full, int cpl, bool beside)
{
	struct ctx c = { 0 };
	struct dump d = { 0 };
	struct vm *vm = new_cold_vm(&c, VM_MARK_HIGHEST, 0);
	struct vcpu *v;

	if (beside) {
		if (vm_choose_mode(vm, KVM_EXIT_STATS_MODE_OFF, 0) ||
		    vm_choose_mode(new_cold_vm(&c, 0, 0), KVM_EXIT_STATS_MODE_ON, 0))
			bail_out("KVM does not let a VMM choose the accounting of a VM");
		vcpu_warm(vm_add_vcpu(c.vms[1]));
	}
	v = vm_add_vcpu(vm);
	vcpu_warm(v);
	vcpu_set_cpl(v, cpl);
	sweep(v, full, dump_answer, &d);
	dump_range(&d);
	while (c.nr_vms)
		destroy_vm(&c);
}
