// SPDX-License-Identifier: GPL-2.0-or-later
/* A VMM for the tests of exitstat-vm: one VM, one vCPU. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

int main(int argc, char **argv)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, i;

	for (i = 1; i < argc; i++)
		printf("[%s]", argv[i]);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0) {
		printf("no VM: %s\n", strerror(errno));
		return 3;
	}
	ioctl(vm, KVM_CREATE_VCPU, 0);
	puts("a VM");
	return 42;
}
