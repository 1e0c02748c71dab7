// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "reasons.h"

#include <asm/kvm_exit_stats.h>

/*
 * AMD's exit codes are sparse, so the bitmap squeezes them: the codes from
 * 0x400 stand at KVM_EXIT_STATS_BIT_NPF, VMEXIT_INVALID (-1) has the last bit.
 */
#define SVM_HIGH_CODES		0x400
#define SVM_INVALID_CODE	0xffffffff

struct range {
	uint32_t first, last;
	const char *name;
};

#define KVM_EXIT_REASON(first, last, name) { first, last, name },
static const struct range vmx_ranges[] = {
#include <asm/kvm_exit_reasons_vmx.h>
};

/* Each list ends with an #undef. */
#define KVM_EXIT_REASON(first, last, name) { first, last, name },
static const struct range svm_ranges[] = {
#include <asm/kvm_exit_reasons_svm.h>
};

#define NR(array) (sizeof(array) / sizeof(*(array)))

static const struct {
	const char *key, *title;
	const struct range *ranges;
	size_t nr_ranges;
	uint32_t bitmap_size;
} vendors[] = {
	[VENDOR_VMX] = { "vmx", "Intel VMX", vmx_ranges, NR(vmx_ranges), KVM_EXIT_STATS_BITS_PER_LEAF },
	[VENDOR_SVM] = { "svm", "AMD SVM", svm_ranges, NR(svm_ranges), KVM_EXIT_STATS_NR_BITS },
};

const char *vendor_key(enum vendor vendor)
{
	return vendors[vendor].key;
}

const char *vendor_title(enum vendor vendor)
{
	return vendors[vendor].title;
}

size_t reasons_defined(enum vendor vendor)
{
	size_t total = 0;

	for (size_t i = 0; i < vendors[vendor].nr_ranges; i++)
		total += vendors[vendor].ranges[i].last - vendors[vendor].ranges[i].first + 1;
	return total;
}

uint32_t reason_nth(enum vendor vendor, size_t nth)
{
	const struct range *range = vendors[vendor].ranges;

	while (nth > range->last - range->first) {
		nth -= range->last - range->first + 1;
		range++;
	}
	return range->first + nth;
}

bool reason_name(enum vendor vendor, uint32_t reason, char name[REASON_NAME_SIZE])
{
	for (size_t i = 0; i < vendors[vendor].nr_ranges; i++) {
		const struct range *range = &vendors[vendor].ranges[i];

		if (reason < range->first || reason > range->last)
			continue;
		if (range->first == range->last)
			snprintf(name, REASON_NAME_SIZE, "%s", range->name);
		else
			snprintf(name, REASON_NAME_SIZE, "%s%" PRIu32, range->name,
				 reason - range->first);
		return true;
	}
	snprintf(name, REASON_NAME_SIZE, "UNKNOWN");
	return false;
}

bool reason_find(enum vendor vendor, const char *name, uint32_t *reason)
{
	for (size_t i = 0; i < reasons_defined(vendor); i++) {
		char candidate[REASON_NAME_SIZE];

		*reason = reason_nth(vendor, i);
		reason_name(vendor, *reason, candidate);
		if (!strcasecmp(candidate, name))
			return true;
	}
	return false;
}

uint32_t bitmap_size(enum vendor vendor)
{
	return vendors[vendor].bitmap_size;
}

uint32_t bitmap_reason(enum vendor vendor, uint32_t index)
{
	if (vendor == VENDOR_VMX || index < KVM_EXIT_STATS_BIT_NPF)
		return index;
	if (index == KVM_EXIT_STATS_BIT_INVALID)
		return SVM_INVALID_CODE;
	return index - KVM_EXIT_STATS_BIT_NPF + SVM_HIGH_CODES;
}
