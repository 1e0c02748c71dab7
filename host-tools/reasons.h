/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exit reasons of the processor at hand: names and numbers come from the kernel patch's own headers. */
#ifndef REASONS_H
#define REASONS_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_REASONS	256	/* defined ones, of either vendor */
#define NR_INDEXES	384	/* of the bitmap: docs/abi.md section 2 */
#define NO_REASON	0xfffffffeu	/* defined by neither vendor */

struct vendor {
	const char *name;
	uint32_t id;		/* KVM_EXIT_STATS_VMX or _SVM */
	uint32_t trace_mask;	/* what of the tracepoint's exit_reason is the reason */
	const char *module;
	const char *paging;	/* that module's parameter for EPT or NPT */
	/* What the tests provoke. */
	uint32_t cpuid, io, hlt, msr_read, msr_write, page_fault, mmio, interrupt, window, vmcall, preemption_timer;
	/* What the host may do to a guest at any time, NO_REASON where fewer. */
	uint32_t host_caused[3];
	/* Defined, and KVM lets no micro-VM take them. */
	uint32_t never_taken[8];
	int nr_never_taken;
	/* Undefined here, though perhaps not on the other. */
	uint32_t undefined[8];
	int nr_undefined;

	/* Filled in from the lists. */
	uint32_t reasons[MAX_REASONS];
	int nr;
};

/* Of this processor; NULL if it is neither vendor's. */
const struct vendor *vendor_of_host(void);
const struct vendor *vendor_by_id(uint32_t id);
bool reason_is_defined(const struct vendor *v, uint32_t reason);
/* "MSR_WRITE (32)"; the string is good until the fourth call from here. */
const char *reason_name(const struct vendor *v, uint32_t reason);
/* The bit of the bitmap leaf; -1 if the reason has none. */
int reason_index(const struct vendor *v, uint32_t reason);
bool reason_is_host_caused(const struct vendor *v, uint32_t reason);

#endif
