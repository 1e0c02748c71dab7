// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm-mode.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#include <asm/kvm_exit_stats.h>

static const char *const names[] = {
	[KVM_EXIT_STATS_MODE_OFF] = "off",
	[KVM_EXIT_STATS_MODE_ON] = "on",
	[KVM_EXIT_STATS_MODE_KERNEL] = "kernel",
};

int vm_mode_parse(const char *name)
{
	int mode;

	for (mode = 0; mode < (int)(sizeof(names) / sizeof(names[0])); mode++)
		if (!strcmp(name, names[mode]))
			return mode;
	return -1;
}

const char *vm_mode_set(int vm_fd, int mode)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_EXIT_STATS, .args = { mode } };
	int modes;

	if (ioctl(vm_fd, KVM_ENABLE_CAP, &cap) < 0)
		return errno == EINVAL ? "this kernel has no exit accounting that a VMM can choose" : strerror(errno);
	/* KVM takes any mode while the host has accounting off, but then knows only that. */
	modes = ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_EXIT_STATS);
	if (mode != KVM_EXIT_STATS_MODE_OFF && (modes < 0 || !(modes & 1 << mode)))
		return "the host has exit accounting off (kvm.exit_stats=0)";
	return NULL;
}
