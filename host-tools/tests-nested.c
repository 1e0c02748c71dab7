// SPDX-License-Identifier: GPL-2.0-or-later
/* Exits of a nested guest on AMD; the VMCB's layout is the APM's, vol. 2, appendix B. */
#include <string.h>

#include <asm/kvm_exit_stats.h>

#include "tests.h"

#define MAX_L2_READS	1000

#define VMCB_INTERCEPT_1	0x00c
#define INTERCEPT_CPUID		(1u << 18)
#define VMCB_INTERCEPT_2	0x010
#define INTERCEPT_VMRUN		(1u << 0)
#define INTERCEPT_VMMCALL	(1u << 1)
#define VMCB_ASID		0x058
#define VMCB_ES			0x400
#define VMCB_CS			0x410
#define VMCB_SS			0x420
#define VMCB_DS			0x430
#define VMCB_GDTR		0x460
#define VMCB_IDTR		0x480
#define VMCB_TR			0x490
#define VMCB_EFER		0x4d0
#define VMCB_CR4		0x548
#define VMCB_CR3		0x550
#define VMCB_CR0		0x558
#define VMCB_DR7		0x560
#define VMCB_DR6		0x568
#define VMCB_RFLAGS		0x570
#define VMCB_RIP		0x578
#define VMCB_RSP		0x5d8
#define VMCB_G_PAT		0x668

#define SVM_VMRUN		0x80
#define SVM_VMMCALL		0x81

static void put(uint8_t *vmcb, int offset, uint64_t value)
{
	memcpy(vmcb + offset, &value, sizeof(value));
}

static void put_segment(uint8_t *vmcb, int offset, uint16_t selector, uint16_t attributes, uint64_t base, uint32_t limit)
{
	memcpy(vmcb + offset, &selector, sizeof(selector));
	memcpy(vmcb + offset + 2, &attributes, sizeof(attributes));
	memcpy(vmcb + offset + 4, &limit, sizeof(limit));
	put(vmcb, offset + 8, base);
}

/* L2 runs guest_l2 in the state that L1 is in, with L1's page tables. */
static void fill_vmcb(struct vcpu *v, bool intercept_cpuid)
{
	uint8_t *vmcb = (uint8_t *)vcpu_data(v) + NESTED_L2_VMCB;

	memset(vmcb, 0, 4096);
	put(vmcb, VMCB_INTERCEPT_1, intercept_cpuid ? INTERCEPT_CPUID : 0);
	put(vmcb, VMCB_INTERCEPT_2, INTERCEPT_VMRUN | INTERCEPT_VMMCALL);
	put(vmcb, VMCB_ASID, 1);
	put_segment(vmcb, VMCB_ES, 16, 0xc93, 0, 0xffffffff);
	put_segment(vmcb, VMCB_CS, 8, 0xa9b, 0, 0xffffffff);
	put_segment(vmcb, VMCB_SS, 16, 0xc93, 0, 0xffffffff);
	put_segment(vmcb, VMCB_DS, 16, 0xc93, 0, 0xffffffff);
	put_segment(vmcb, VMCB_GDTR, 0, 0, GUEST_GDT, 3 * 8 - 1);
	put_segment(vmcb, VMCB_IDTR, 0, 0, GUEST_IDT, 256 * 16 - 1);
	put_segment(vmcb, VMCB_TR, 24, 0x8b, GUEST_TSS, 0x67);
	put(vmcb, VMCB_EFER, 0x1500);	/* SVME, LMA, LME */
	put(vmcb, VMCB_CR0, 0x80010033);
	put(vmcb, VMCB_CR3, GUEST_PML4);
	put(vmcb, VMCB_CR4, 0x20);
	put(vmcb, VMCB_DR6, 0xffff0ff0);
	put(vmcb, VMCB_DR7, 0x400);
	put(vmcb, VMCB_RFLAGS, 2);
	put(vmcb, VMCB_RIP, guest_address(guest_l2));
	put(vmcb, VMCB_RSP, vcpu_data_gpa(v) + NESTED_L2_STACK);
	put(vmcb, VMCB_G_PAT, 0x0007040600070406);
}

static const char *run_l2(struct vcpu *v, bool intercept_cpuid, struct leaf_read *reads, unsigned int n)
{
	uint8_t *data = (uint8_t *)vcpu_data(v) + NESTED_L2_DATA;
	struct guest_result r;

	fill_vmcb(v, intercept_cpuid);
	memcpy(data, reads, n * sizeof(*reads));
	r = vcpu_call(v, (struct guest_call){ guest_vmrun, .rdi = vcpu_data_gpa(v), .r8 = n });
	memcpy(reads, data, n * sizeof(*reads));
	if (r.r15 != SVM_VMMCALL)
		return "L2 did not end as it should have";
	return r.r9 == (intercept_cpuid ? n + 1 : 1) ? NULL : "L1 did not see each exit of L2 once";
}

/* L1's count of L2's exits, from 1; or consecutive counts of this KVM. */
static enum verdict check_answers(const struct leaf_read *r, unsigned int n, bool intercept_cpuid)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (r[i].ebx || r[i].ecx || r[i].edx)
			return fail("L2 reads EBX=%#x ECX=%#x EDX=%#x: all must be 0", r[i].ebx, r[i].ecx, r[i].edx);
		if (intercept_cpuid && r[i].eax != i + 1)
			return fail("L1 intercepts CPUID, and L2 reads %u instead of L1's count %u", r[i].eax, i + 1);
		if (!intercept_cpuid && i && r[i].eax != r[0].eax + i)
			return fail("L1 does not intercept CPUID, and L2's reads are not consecutive: %u, then %u",
				    r[i - 1].eax, r[i].eax);
	}
	return PASS;
}

static enum verdict nested(struct ctx *c, bool intercept_cpuid)
{
	unsigned int n = c->iterations < MAX_L2_READS ? c->iterations : MAX_L2_READS, i;
	struct vcpu *v = &new_vm(c, 0, 1)->vcpus[0];
	struct leaf_read reads[MAX_L2_READS];
	struct table before, after;
	struct expected e;
	const char *error;

	for (i = 0; i < n; i++)
		reads[i] = (struct leaf_read){ KVM_EXIT_STATS_CPUID_REASON_COUNT, c->vendor->cpuid };
	read_table(v, c->vendor, &before);
	error = run_l2(v, intercept_cpuid, reads, n);
	read_table(v, c->vendor, &after);
	if (error)
		return fail("%s", error);
	if (check_answers(reads, n, intercept_cpuid) == FAIL)
		return FAIL;
	/* In L2's first read all CPUIDs before it and its own. */
	i = table_count(&before, c->vendor, c->vendor->cpuid) + before.reads + 1;
	if (!intercept_cpuid && reads[0].eax != i)
		return fail("L2's first read is %u, and the VM's count %u", reads[0].eax, i);

	expect_start(&e, c, &before);
	expect_more(&e, c, c->vendor->cpuid, n);
	expect_more(&e, c, SVM_VMRUN, intercept_cpuid ? n + 1 : 1);
	expect_more(&e, c, SVM_VMMCALL, 1);
	expect_more(&e, c, c->vendor->io, 1);
	/* KVM gives L2 page tables of its own. */
	expect_any(&e, c, c->vendor->page_fault);
	/* L1 reads EFER, writes it, and writes VM_HSAVE_PA. */
	expect_more(&e, c, c->vendor->msr_write, 3);
	return check_delta(c, &before, &after, &e);
}

enum verdict test_nested(struct ctx *c, const struct test *test)
{
	if (c->vendor->id != KVM_EXIT_STATS_SVM)
		return skip("AMD's: on VMX each CPUID of L2 goes to L1");
	if (module_parameter(c->vendor->module, "nested") != 1)
		return skip("KVM offers no SVM to its guests (module parameter nested)");
	return nested(c, true) == PASS ? nested(c, false) : FAIL;
}
