// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A KVM for the tests of exitstat-vm, preloaded: FAKE_KVM says what kind, FAKE_KVM_LOG is a file for what it is asked.
 *   ours    a kernel with the capability
 *   off     the same, switched off
 *   stock   a kernel without
 *   none    no /dev/kvm
 *   late    ours, which is switched off after the first VM
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm.h>

#include <asm/kvm_exit_stats.h>

static bool is(const char *kind)
{
	const char *fake = getenv("FAKE_KVM");

	return fake && !strcmp(fake, kind);
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	FILE *f = fopen(getenv("FAKE_KVM_LOG"), "ae");
	va_list ap;

	if (!f)
		abort();
	fprintf(f, "%s: ", program_invocation_short_name);
	va_start(ap, format);
	vfprintf(f, format, ap);
	va_end(ap);
	fputc('\n', f);
	fclose(f);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	if (!strcmp(path, "/dev/kvm")) {
		if (is("none")) {
			errno = ENOENT;
			return -1;
		}
		path = "/dev/null";
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
	static bool have_vm;
	struct kvm_enable_cap *cap;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch (request) {
	case KVM_CREATE_VM:
		note("create-vm");
		have_vm = true;
		return dup(fd);
	case KVM_CREATE_VCPU:
		note("create-vcpu");
		return dup(fd);
	case KVM_ENABLE_CAP:
		cap = arg;
		note("enable-cap %#x %llu flags %u rest %llu", cap->cap, (unsigned long long)cap->args[0], cap->flags,
		     (unsigned long long)(cap->args[1] | cap->args[2] | cap->args[3]));
		if (!is("stock"))
			return 0;
		break;
	case KVM_CHECK_EXTENSION:
		if (is("late") && have_vm && !strcmp(program_invocation_short_name, "fake-vmm"))
			return 0;
		return (unsigned long)arg == KVM_CAP_EXIT_STATS && (is("ours") || is("late")) ? 7 : 0;
	}
	errno = EINVAL;
	return -1;
}
