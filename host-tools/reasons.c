// SPDX-License-Identifier: GPL-2.0-or-later
#include "reasons.h"

#include <cpuid.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <asm/kvm_exit_stats.h>

struct range {
	uint32_t first, last;
	const char *name;
};

#define KVM_EXIT_REASON(first, last, name) { first, last, name },
static const struct range vmx_ranges[] = {
#include <asm/kvm_exit_reasons_vmx.h>
	{ 1, 0, NULL }
};

#define KVM_EXIT_REASON(first, last, name) { first, last, name },
static const struct range svm_ranges[] = {
#include <asm/kvm_exit_reasons_svm.h>
	{ 1, 0, NULL }
};

static struct vendor vmx = {
	.name = "Intel VMX",
	.id = KVM_EXIT_STATS_VMX,
	.trace_mask = 0xffff,
	.module = "kvm_intel",
	.paging = "ept",
	.cpuid = 10, .io = 30, .hlt = 12, .msr_read = 31, .msr_write = 32, .page_fault = 48, .mmio = 49,
	.interrupt = 1, .window = 7, .vmcall = 18, .preemption_timer = 52,
	/* NMIs share their reason with exceptions, of which the guest code has none. */
	.host_caused = { 1, 0, NO_REASON },
	/* SIPI, RDTSC, MSR_LOAD_FAIL, RDTSCP, XSAVES, XRSTORS, UMWAIT, TPAUSE */
	.never_taken = { 4, 16, 34, 51, 63, 64, 67, 68 },
	.nr_never_taken = 8,
	/* Holes of every edition; AMD's CPUID, NPF and INVALID. */
	.undefined = { 35, 38, 42, 71, 0x72, 0x400, 0xffffffff },
	.nr_undefined = 7,
};

static struct vendor svm = {
	.name = "AMD SVM",
	.id = KVM_EXIT_STATS_SVM,
	.trace_mask = 0xffffffff,
	.module = "kvm_amd",
	.paging = "npt",
	.cpuid = 0x72, .io = 0x7b, .hlt = 0x78, .msr_read = 0x7c, .msr_write = 0x7c, .page_fault = 0x400,
	.mmio = 0x400, .interrupt = 0x60, .window = 0x64, .vmcall = 0x81, .preemption_timer = NO_REASON,
	.host_caused = { 0x60, 0x61, 0x62 },
	/* RDTSC, PUSHF, POPF, SWINT, FERR_FREEZE, VMGEXIT, INVALID */
	.never_taken = { 0x6e, 0x70, 0x71, 0x75, 0x7e, 0x403, 0xffffffff },
	.nr_never_taken = 7,
	/* Beside the last codes, and between the two parts of the list. */
	.undefined = { 0xff, 0x100, 0x3ff, 0x404, 0xfffffffe },
	.nr_undefined = 5,
};

static const struct range *ranges_of(const struct vendor *v)
{
	return v->id == KVM_EXIT_STATS_VMX ? vmx_ranges : svm_ranges;
}

static struct vendor *fill(struct vendor *v)
{
	const struct range *r;
	uint64_t reason;

	if (v->nr)
		return v;
	for (r = ranges_of(v); r->name; r++)
		for (reason = r->first; reason <= r->last && v->nr < MAX_REASONS; reason++)
			v->reasons[v->nr++] = (uint32_t)reason;
	return v;
}

const struct vendor *vendor_by_id(uint32_t id)
{
	if (id == KVM_EXIT_STATS_VMX)
		return fill(&vmx);
	return id == KVM_EXIT_STATS_SVM ? fill(&svm) : NULL;
}

const struct vendor *vendor_of_host(void)
{
	unsigned int eax, ebx, ecx, edx;
	char name[13] = "";

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
		return NULL;
	memcpy(name, &ebx, 4);
	memcpy(name + 4, &edx, 4);
	memcpy(name + 8, &ecx, 4);
	if (!strcmp(name, "AuthenticAMD") || !strcmp(name, "HygonGenuine"))
		return vendor_by_id(KVM_EXIT_STATS_SVM);
	if (!strcmp(name, "GenuineIntel") || !strcmp(name, "CentaurHauls") || !strcmp(name, "  Shanghai  "))
		return vendor_by_id(KVM_EXIT_STATS_VMX);
	return NULL;
}

static const struct range *find(const struct vendor *v, uint32_t reason)
{
	const struct range *r;

	for (r = ranges_of(v); r->name; r++)
		if (reason >= r->first && reason <= r->last)
			return r;
	return NULL;
}

bool reason_is_defined(const struct vendor *v, uint32_t reason)
{
	return find(v, reason);
}

const char *reason_name(const struct vendor *v, uint32_t reason)
{
	static _Thread_local char names[4][64];
	static _Thread_local unsigned int turn;
	char *name = names[turn++ % 4];
	const struct range *r = find(v, reason);
	const char *format = v->id == KVM_EXIT_STATS_VMX ? "%s (%u)" : "%s (0x%x)";

	if (r && r->first != r->last)
		snprintf(name, sizeof(names[0]), "%s+%u (0x%x)", r->name, reason - r->first, reason);
	else
		snprintf(name, sizeof(names[0]), format, r ? r->name : "undefined", reason);
	return name;
}

int reason_index(const struct vendor *v, uint32_t reason)
{
	if (v->id == KVM_EXIT_STATS_SVM) {
		if (reason == 0xffffffff)
			return 0x17f;
		if (reason >= 0x400 && reason < 0x47f)
			return (int)(reason - 0x400 + 0x100);
	}
	return reason < 0x100 ? (int)reason : -1;
}

bool reason_is_host_caused(const struct vendor *v, uint32_t reason)
{
	return reason == v->host_caused[0] || reason == v->host_caused[1] || reason == v->host_caused[2];
}
