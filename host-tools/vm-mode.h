/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The accounting mode of one VM: what exitstat-vm and the library that it preloads share. */
#ifndef VM_MODE_H
#define VM_MODE_H

#include <stdbool.h>

/* From exitstat-vm to the library: the mode's name, and whether a VM without it must not be. */
#define ENV_MODE	"EXITSTAT_VM_MODE"
#define ENV_REQUIRE	"EXITSTAT_VM_REQUIRE"

/* A KVM_EXIT_STATS_MODE_*, or -1. */
int vm_mode_parse(const char *name);

/* Chooses the mode of a VM without vCPUs.  NULL, or the reason why the VM does not have it. */
const char *vm_mode_set(int vm_fd, int mode);

#endif
