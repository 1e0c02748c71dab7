// SPDX-License-Identifier: GPL-2.0-or-later
#include "detect.h"

#include <string.h>

#include <asm/kvm_exit_stats.h>

enum accounting detect(const uint32_t signature[3], const uint32_t edx[4])
{
	int i, marks = 0;

	if (!memcmp(signature, KVM_EXIT_STATS_SIGNATURE, 12))
		return ACCOUNTING_EXTENDED;
	for (i = 0; i < 4; i++)
		if (edx[i] == KVM_EXIT_STATS_UNDEFINED)
			marks |= 1 << i;
	/*
	 * Only a leaf that takes a reason marks one that is undefined.  All four do
	 * where a stock kernel answers with another leaf's data, which can be anything.
	 */
	switch (marks) {
	case 1 << 2 | 1 << 3:
		return ACCOUNTING_REQUIRED;
	case 0:
	case 15:
		return ACCOUNTING_NONE;
	default:
		return ACCOUNTING_OTHER;
	}
}
