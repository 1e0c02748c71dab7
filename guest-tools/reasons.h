/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef REASONS_H
#define REASONS_H

/* The exit reasons that each vendor's manual defines, from the kernel's own lists. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/kvm_exit_stats.h>

/* The values are those of the features leaf. */
enum vendor {
	VENDOR_VMX = KVM_EXIT_STATS_VMX,
	VENDOR_SVM = KVM_EXIT_STATS_SVM,
};

/* Room for the longest name, its number and the terminating NUL. */
#define REASON_NAME_SIZE 40

/* "vmx" or "svm"; and the same for people. */
const char *vendor_key(enum vendor vendor);
const char *vendor_title(enum vendor vendor);

/* How many reasons the vendor defines, and the nth of them (0 is the lowest). */
size_t reasons_defined(enum vendor vendor);
uint32_t reason_nth(enum vendor vendor, size_t nth);

/*
 * The name of a reason; in a range it carries its number, as in "READ_CR3".
 * false, and the name "UNKNOWN", if the vendor's table does not have it.
 */
bool reason_name(enum vendor vendor, uint32_t reason, char name[REASON_NAME_SIZE]);

/* The reason of exactly this name; false if there is none. */
bool reason_find(enum vendor vendor, const char *name, uint32_t *reason);

/*
 * The bitmap leaf: how many indices the vendor's bitmap has (a multiple of
 * KVM_EXIT_STATS_BITS_PER_LEAF, what one subleaf holds), and the reason that an index means.
 */
uint32_t bitmap_size(enum vendor vendor);
uint32_t bitmap_reason(enum vendor vendor, uint32_t index);

#endif
