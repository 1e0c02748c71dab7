// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exitstat-vm.so, which exitstat-vm preloads into a VMM: chooses the accounting mode of each VM that the VMM
 * creates, before the VMM can create a vCPU.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "vm-mode.h"

typedef int (*ioctl_fn)(int fd, unsigned long request, ...);

static ioctl_fn next_ioctl;
static int mode = -1;
static bool require;

__attribute__((constructor)) static void init(void)
{
	const char *name = getenv(ENV_MODE);

	/* POSIX promises that functions fit into what dlsym returns. */
	*(void **)&next_ioctl = dlsym(RTLD_NEXT, "ioctl");
	mode = name ? vm_mode_parse(name) : -1;
	require = getenv(ENV_REQUIRE);
}

static int set_mode(int vm_fd)
{
	const char *why = vm_mode_set(vm_fd, mode);

	if (!why)
		return vm_fd;
	fprintf(stderr, "exitstat-vm: %s: %s\n", why, require ? "no VM, as --require says" : "the VM goes without");
	if (!require)
		return vm_fd;
	close(vm_fd);
	errno = EOPNOTSUPP;
	return -1;
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);

	/* A constructor that runs before ours may call. */
	if (!next_ioctl)
		init();
	ret = next_ioctl(fd, request, arg);
	/* Some truncate the request to an int, and extend it again. */
	if (ret < 0 || (unsigned int)request != KVM_CREATE_VM || mode < 0)
		return ret;
	return set_mode(ret);
}
