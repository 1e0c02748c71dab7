// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/kvm_exit_stats.h>

#include "tap.h"

/* Anywhere above the guest's memory: three pages that old Intel processors need for real mode. */
#define TSS_ADDR		0xfffbd000ul
#define IDENTITY_MAP_ADDR	0xfffbc000ull

#define MAX_CPUID_ENTRIES	256

static int kvm_fd = -1;
static size_t run_size;
/* This may be QEMU's own SVM, or KVM's on top of it: see guest_isr. */
static bool may_interrupt_twice;

static int xioctl(int fd, unsigned long request, unsigned long arg, const char *name)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		bail_out("%s: %s", name, strerror(errno));
	return ret;
}

#define IOCTL(fd, request, arg) xioctl(fd, request, (unsigned long)(arg), #request)

static void *map(size_t size, int flags, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		bail_out("mmap: %s", strerror(errno));
	return p;
}

static const char *remedy(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return "no permission: run it as root or as a member of the group kvm";
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return "KVM is not there: load kvm_intel or kvm_amd, and switch VT-x or SVM on in the firmware, or "
		       "nested virtualisation in the hypervisor below";
	case EBUSY:
		return "another hypervisor holds the processor's virtualisation: stop it";
	case ENOTTY:
	case EPROTO:
		return "this is not the KVM that Linux has: check what the device file is";
	default:
		return "KVM cannot make virtual machines here: see the kernel's log";
	}
}

/* 0, or the errno of the first step that failed; *step says which. */
static int try_open(const char *path, const char **step)
{
	int ret;

	*step = "open";
	kvm_fd = open(path, O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		return errno;
	*step = "KVM_GET_API_VERSION";
	ret = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);
	if (ret < 0)
		return errno;
	if (ret != KVM_API_VERSION)
		return EPROTO;
	/* The device may be there although no VM can be: try one. */
	*step = "KVM_CREATE_VM";
	ret = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	if (ret < 0)
		return errno;
	close(ret);
	return 0;
}

static bool svm_below_hypervisor(void)
{
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & 1u << 31))
		return false;
	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & 1u << 2;
}

const char *kvm_open(const char *path)
{
	static char sentence[400];
	const char *step;
	int err = try_open(path, &step);

	if (err) {
		snprintf(sentence, sizeof(sentence), "%s: %s: %s: %s", path, step, strerror(err), remedy(err));
		return sentence;
	}
	run_size = IOCTL(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	may_interrupt_twice = svm_below_hypervisor();
	return NULL;
}

bool kvm_has(int cap)
{
	return IOCTL(kvm_fd, KVM_CHECK_EXTENSION, cap) > 0;
}

uint64_t guest_address(const char *symbol)
{
	return GUEST_CODE + (uint64_t)(symbol - guest_start);
}

static void set_gate(struct vm *vm, int vector, const char *handler)
{
	uint64_t *gate = (uint64_t *)(vm->mem + GUEST_IDT) + 2 * vector;
	uint64_t to = guest_address(handler);

	/* A present 64-bit interrupt gate to code segment 8. */
	gate[0] = (to & 0xffff) | 8ull << 16 | 0x8e00ull << 32 | (to >> 16 & 0xffff) << 48;
	gate[1] = to >> 32;
}

/*
 * Long mode from the first instruction: real mode would need an "unrestricted guest" or be emulated.
 * Everything the processor may want to mark (accessed, dirty) is marked already: such a write could exit.
 */
static void fill_memory(struct vm *vm)
{
	uint64_t *pml4 = (uint64_t *)(vm->mem + GUEST_PML4);
	uint64_t *pdpt = (uint64_t *)(vm->mem + GUEST_PDPT);
	uint64_t *pd = (uint64_t *)(vm->mem + GUEST_PD);
	uint64_t *gdt = (uint64_t *)(vm->mem + GUEST_GDT);
	int i;

	/* For CPL 3 as well. */
	pml4[0] = GUEST_PDPT | 0x27;
	pdpt[0] = GUEST_PD | 0x27;
	for (i = 0; i < 512; i++)
		pd[i] = (uint64_t)i << 21 | 0xe7;

	gdt[1] = 0x00af9b000000ffffull;
	gdt[2] = 0x00cf93000000ffffull;

	/* RSP0 */
	*(uint32_t *)(vm->mem + GUEST_TSS + 4) = GUEST_TSS + 0x1000;

	for (i = 0; i < 32; i++)
		set_gate(vm, i, i == 13 ? guest_protection : guest_exception);
	for (; i < VECTOR_APIC; i++)
		set_gate(vm, i, guest_isr);
	for (; i < 256; i++)
		set_gate(vm, i, guest_isr_apic);

	memcpy(vm->mem + GUEST_CODE, guest_start, guest_end - guest_start);
}

static void add_memory(struct vm *vm, int slot, uint64_t gpa, size_t size, uint8_t **at)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
	};

	*at = map(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	/* One page, one fault.  Kernels without huge pages refuse the advice, and need none. */
	madvise(*at, size, MADV_NOHUGEPAGE);
	region.userspace_addr = (uintptr_t)*at;
	IOCTL(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

#define MEM_SIZE	(GUEST_VCPUS + MAX_VCPUS * (size_t)GUEST_VCPU_SIZE)
#define PAGES_SIZE	(MAX_PAGES * 4096ul)

struct vm *vm_create(unsigned int flags, int nr_vcpus)
{
	uint64_t identity_map = IDENTITY_MAP_ADDR;
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		bail_out("out of memory");
	vm->flags = flags;
	vm->fd = IOCTL(kvm_fd, KVM_CREATE_VM, 0);
	IOCTL(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	IOCTL(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR);
	if (flags & VM_IRQCHIP)
		IOCTL(vm->fd, KVM_CREATE_IRQCHIP, 0);
	add_memory(vm, 0, 0, MEM_SIZE, &vm->mem);
	add_memory(vm, 1, GUEST_PAGES, PAGES_SIZE, &vm->pages);
	fill_memory(vm);
	while (vm->nr_vcpus < nr_vcpus)
		vm_add_vcpu(vm);
	return vm;
}

static struct kvm_cpuid2 *new_cpuid(void)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		bail_out("out of memory");
	cpuid->nent = MAX_CPUID_ENTRIES;
	return cpuid;
}

struct kvm_cpuid2 *kvm_supported_cpuid(void)
{
	struct kvm_cpuid2 *cpuid = new_cpuid();

	IOCTL(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	return cpuid;
}

struct kvm_cpuid2 *kvm_emulated_cpuid(void)
{
	struct kvm_cpuid2 *cpuid = new_cpuid();

	IOCTL(kvm_fd, KVM_GET_EMULATED_CPUID, cpuid);
	return cpuid;
}

struct kvm_cpuid2 *vcpu_cpuid(struct vcpu *v)
{
	struct kvm_cpuid2 *cpuid = new_cpuid();

	IOCTL(v->fd, KVM_GET_CPUID2, cpuid);
	return cpuid;
}

/* KVM lists leaf 0, whose EAX is the highest basic leaf, first. */
static void mark_highest(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *e = cpuid->entries;

	while (e < &cpuid->entries[cpuid->nent] && e->function != cpuid->entries[0].eax)
		e++;
	if (e == &cpuid->entries[cpuid->nent]) {
		if (cpuid->nent == MAX_CPUID_ENTRIES)
			bail_out("too many CPUID entries");
		*e = (struct kvm_cpuid_entry2){ .function = cpuid->entries[0].eax };
		cpuid->nent++;
	}
	e->eax = e->ebx = e->ecx = e->edx = 0x0ddba115;
}

static void set_cpuid(struct vcpu *v)
{
	struct kvm_cpuid2 *cpuid = kvm_supported_cpuid();
	unsigned int i;

	if (v->vm->flags & VM_MARK_HIGHEST)
		mark_highest(cpuid);
	for (i = 0; i < cpuid->nent; i++) {
		/* X2APIC and TSC_DEADLINE: KVM's LAPIC has both, but leaves the second to user space. */
		if (cpuid->entries[i].function == 1 && v->vm->flags & VM_IRQCHIP)
			cpuid->entries[i].ecx |= 1u << 21 | 1u << 24;
	}
	if (cpuid->nent + v->vm->nr_extra_cpuid > MAX_CPUID_ENTRIES)
		bail_out("too many CPUID entries");
	for (i = 0; i < (unsigned int)v->vm->nr_extra_cpuid; i++)
		cpuid->entries[cpuid->nent++] = v->vm->extra_cpuid[i];
	IOCTL(v->fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

static void set_sregs(struct vcpu *v)
{
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1,
	};
	struct kvm_sregs s;

	IOCTL(v->fd, KVM_GET_SREGS, &s);
	s.cs = data;
	s.cs.selector = 8;
	s.cs.type = 11;
	s.cs.db = 0;
	s.cs.l = 1;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.cs.dpl = s.ss.dpl = v->cpl;
	s.cs.selector |= v->cpl;
	s.ss.selector |= v->cpl;
	s.tr = (struct kvm_segment){ .base = GUEST_TSS, .limit = 0x67, .selector = 24, .type = 11, .present = 1 };
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.gdt.base = GUEST_GDT;
	s.gdt.limit = 3 * 8 - 1;
	s.idt.base = GUEST_IDT;
	s.idt.limit = 256 * 16 - 1;
	s.cr0 = 0x80010033;	/* PG, WP, NE, ET, MP, PE */
	s.cr3 = GUEST_PML4;
	s.cr4 = 0x20;		/* PAE */
	s.efer = 0x500;		/* LMA, LME */
	if (v->vm->flags & VM_IRQCHIP)
		s.apic_base |= 0xc00;	/* enabled, x2APIC: no memory-mapped accesses, which exit too */
	IOCTL(v->fd, KVM_SET_SREGS, &s);
}

void vcpu_get_state(struct vcpu *v, struct vcpu_state *s)
{
	*s = (struct vcpu_state){ 0 };
	IOCTL(v->fd, KVM_GET_REGS, &s->regs);
	IOCTL(v->fd, KVM_GET_SREGS, &s->sregs);
	IOCTL(v->fd, KVM_GET_VCPU_EVENTS, &s->events);
	IOCTL(v->fd, KVM_GET_DEBUGREGS, &s->debugregs);
	IOCTL(v->fd, KVM_GET_MP_STATE, &s->mp_state);
	if (v->vm->flags & VM_IRQCHIP)
		IOCTL(v->fd, KVM_GET_LAPIC, &s->lapic);
}

void vcpu_set_state(struct vcpu *v, const struct vcpu_state *s)
{
	IOCTL(v->fd, KVM_SET_SREGS, &s->sregs);
	IOCTL(v->fd, KVM_SET_REGS, &s->regs);
	if (v->vm->flags & VM_IRQCHIP)
		IOCTL(v->fd, KVM_SET_LAPIC, &s->lapic);
	IOCTL(v->fd, KVM_SET_DEBUGREGS, &s->debugregs);
	IOCTL(v->fd, KVM_SET_VCPU_EVENTS, &s->events);
	IOCTL(v->fd, KVM_SET_MP_STATE, &s->mp_state);
}

int vm_choose_mode(struct vm *vm, uint64_t mode, uint64_t junk)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_EXIT_STATS, .args = { mode, junk } };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap) ? errno : 0;
}

int vm_set_halt_polling(struct vm *vm, uint64_t ns)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HALT_POLL, .args = { ns } };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap) ? errno : 0;
}

struct vcpu *vm_add_vcpu(struct vm *vm)
{
	struct kvm_mp_state running = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = &vm->vcpus[vm->nr_vcpus];

	v->vm = vm;
	v->id = vm->nr_vcpus++;
	v->fd = IOCTL(vm->fd, KVM_CREATE_VCPU, v->id);
	v->run = map(run_size, MAP_SHARED, v->fd);
	set_cpuid(v);
	set_sregs(v);
	/* In the kernel's irqchip all but the first wait for an INIT. */
	if (vm->flags & VM_IRQCHIP)
		IOCTL(v->fd, KVM_SET_MP_STATE, &running);
	return v;
}

void vcpu_set_cpl(struct vcpu *v, int cpl)
{
	v->cpl = cpl;
	set_sregs(v);
}

void vcpu_set_real_mode(struct vcpu *v)
{
	struct kvm_sregs s;

	IOCTL(v->fd, KVM_GET_SREGS, &s);
	s.cs = (struct kvm_segment){ .limit = 0xffff, .type = 11, .present = 1, .s = 1 };
	s.ds.selector = s.es.selector = s.fs.selector = s.gs.selector = s.ss.selector = 0;
	s.cr0 = 0x30;		/* NE, ET */
	s.cr3 = s.cr4 = s.efer = 0;
	IOCTL(v->fd, KVM_SET_SREGS, &s);
}

void vcpu_set_bad_state(struct vcpu *v)
{
	struct kvm_sregs s;

	IOCTL(v->fd, KVM_GET_SREGS, &s);
	s.cs.db = 1;
	IOCTL(v->fd, KVM_SET_SREGS, &s);
}

bool vcpu_was_reset(struct vcpu *v)
{
	struct kvm_mp_state state;
	struct kvm_sregs s;

	/* KVM takes a pending INIT before it answers. */
	IOCTL(v->fd, KVM_GET_MP_STATE, &state);
	IOCTL(v->fd, KVM_GET_SREGS, &s);
	return s.cs.selector == 0xf000 && !(s.cr0 & 1);
}

void vcpu_close(struct vcpu *v)
{
	if (!v->run)
		return;
	/* The mapping keeps the file open. */
	munmap(v->run, run_size);
	close(v->fd);
	v->run = NULL;
}

void vm_destroy(struct vm *vm)
{
	int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_close(&vm->vcpus[i]);
	close(vm->fd);
	munmap(vm->mem, MEM_SIZE);
	munmap(vm->pages, PAGES_SIZE);
	free(vm);
}

void *vcpu_data(struct vcpu *v)
{
	return v->vm->mem + vcpu_data_gpa(v);
}

uint64_t vcpu_data_gpa(struct vcpu *v)
{
	return GUEST_VCPUS + (uint64_t)v->id * GUEST_VCPU_SIZE + GUEST_STACK_SIZE;
}

/* It completes what it was left for, and returns without entering the guest. */
static void run_immediately(struct vcpu *v)
{
	v->run->immediate_exit = 1;
	if (!ioctl(v->fd, KVM_RUN, 0) || errno != EINTR)
		bail_out("KVM_RUN with immediate_exit did not return at once");
	v->run->immediate_exit = 0;
}

static void user_io(struct vcpu *v)
{
	uint8_t *data = (uint8_t *)v->run + v->run->io.data_offset;
	unsigned int i;

	v->user_io++;
	if (v->run->io.direction == KVM_EXIT_IO_IN)
		*data = 1;
	if (v->io_delay_us)
		usleep(v->io_delay_us);
	for (i = 0; i < v->immediate_runs; i++)
		run_immediately(v);
	if (v->tsc_jump)
		vcpu_set_msr(v, MSR_TSC, vcpu_tsc(v) + v->tsc_jump);
}

static void open_window(struct vcpu *v)
{
	struct kvm_interrupt irq = { .irq = VECTOR_PLAIN };

	v->windows++;
	v->run->request_interrupt_window = 0;
	IOCTL(v->fd, KVM_INTERRUPT, &irq);
}

static void set_guest_debug(struct vcpu *v)
{
	struct kvm_guest_debug debug = {
		.control = v->steps ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	IOCTL(v->fd, KVM_SET_GUEST_DEBUG, &debug);
}

void vm_prepare_smm(struct vm *vm)
{
	/* That mode has an address space of its own: here with the same memory. */
	struct kvm_userspace_memory_region region = {
		.slot = 1 << 16, .memory_size = MEM_SIZE, .userspace_addr = (uintptr_t)vm->mem,
	};

	memcpy(vm->mem + GUEST_SMM, guest_smm, guest_smm_end - guest_smm);
	IOCTL(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

void vcpu_smi(struct vcpu *v)
{
	IOCTL(v->fd, KVM_SMI, 0);
}

struct guest_result vcpu_call(struct vcpu *v, struct guest_call call)
{
	struct kvm_regs regs = {
		.rip = guest_address(call.rip),
		.rsp = vcpu_data_gpa(v),
		/* IOPL 3 */
		.rflags = v->cpl ? 0x3002 : 2,
		.rax = call.rax, .rcx = call.rcx, .rdx = call.rdx, .rdi = call.rdi,
		.rsi = call.rsi,
		.r8 = call.r8, .r9 = call.r9, .r10 = call.r10,
		.r13 = may_interrupt_twice,
	};
	struct kvm_run *run = v->run;

	if (v->want_window)
		run->request_interrupt_window = 1;
	IOCTL(v->fd, KVM_SET_REGS, &regs);
	/* KVM sets the trap flag for where the vCPU is now. */
	if (v->steps)
		set_guest_debug(v);
	for (;;) {
		IOCTL(v->fd, KVM_RUN, 0);
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			if (run->io.port == PORT_DONE) {
				IOCTL(v->fd, KVM_GET_REGS, &regs);
				return (struct guest_result){ .r9 = regs.r9, .r15 = regs.r15 };
			}
			if (run->io.port == PORT_EXCEPTION) {
				uint8_t vector = *((uint8_t *)run + run->io.data_offset);

				if (vector == EXCEPTION_INTERRUPT)
					bail_out("the guest was interrupted while it had interrupts off");
				if (v->may_fault && vector == 13)
					return (struct guest_result){ .faulted = true };
				bail_out("the guest took an exception");
			}
			user_io(v);
			break;
		case KVM_EXIT_MMIO:
			v->user_mmio++;
			memset(run->mmio.data, 0, sizeof(run->mmio.data));
			run->mmio.data[0] = 1;
			break;
		case KVM_EXIT_HLT:
			v->user_hlt++;
			break;
		case KVM_EXIT_IRQ_WINDOW_OPEN:
			open_window(v);
			break;
		case KVM_EXIT_DEBUG:
			v->debug_stops++;
			if (!--v->steps)
				set_guest_debug(v);
			break;
		case KVM_EXIT_INTR:
			break;
		case KVM_EXIT_FAIL_ENTRY:
			if (v->may_fail)
				return (struct guest_result){ .failed = true };
			bail_out("KVM could not enter the guest: hardware reason %#llx",
				 (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		case KVM_EXIT_INTERNAL_ERROR:
			bail_out("KVM's internal error %u", run->internal.suberror);
		default:
			bail_out("unexpected return of KVM_RUN: exit_reason %u", run->exit_reason);
		}
	}
}

void vcpu_warm(struct vcpu *v)
{
	uint64_t own = vcpu_data_gpa(v) - GUEST_STACK_SIZE;

	vcpu_call(v, (struct guest_call){ guest_warm, .rdi = GUEST_PML4, .r8 = (GUEST_CODE - GUEST_PML4) / 4096 + 1 });
	vcpu_call(v, (struct guest_call){ guest_warm, .rdi = own, .r8 = GUEST_VCPU_SIZE / 4096 });
}

static void write_msr(struct vcpu *v, uint32_t msr, uint32_t value)
{
	vcpu_call(v, (struct guest_call){ guest_wrmsr, .rcx = msr, .rax = value, .r8 = 1 });
}

void vcpu_timer_on(struct vcpu *v)
{
	write_msr(v, MSR_X2APIC_SVR, 0x1ff);
	write_msr(v, MSR_X2APIC_LVTT, 0x40000 | VECTOR_TIMER);
}

uint64_t vcpu_tsc_khz(struct vcpu *v)
{
	return IOCTL(v->fd, KVM_GET_TSC_KHZ, 0);
}

void vcpu_set_tsc_khz(struct vcpu *v, uint64_t khz)
{
	IOCTL(v->fd, KVM_SET_TSC_KHZ, khz);
}

/* struct kvm_msrs and one struct kvm_msr_entry after it */
union one_msr {
	struct kvm_msrs msrs;
	char space[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

uint64_t vcpu_tsc(struct vcpu *v)
{
	union one_msr u = { .space = { 0 } };

	u.msrs.nmsrs = 1;
	u.msrs.entries[0].index = MSR_TSC;
	IOCTL(v->fd, KVM_GET_MSRS, &u.msrs);
	return u.msrs.entries[0].data;
}

void vcpu_set_msr(struct vcpu *v, uint32_t msr, uint64_t value)
{
	union one_msr u = { .space = { 0 } };

	u.msrs.nmsrs = 1;
	u.msrs.entries[0].index = msr;
	u.msrs.entries[0].data = value;
	/* It answers how many it could set. */
	if (IOCTL(v->fd, KVM_SET_MSRS, &u.msrs) != 1)
		bail_out("KVM does not take %#llx for MSR %#x", (unsigned long long)value, msr);
}

int vcpu_stats_fd(struct vcpu *v)
{
	return ioctl(v->fd, KVM_GET_STATS_FD, 0);
}

struct runner {
	pthread_t thread;
	struct vcpu *v;
	void (*fn)(struct vcpu *v, void *arg);
	void *arg;
	pthread_barrier_t *start;
	int tid;
};

static void *run(void *p)
{
	struct runner *r = p;

	r->tid = (int)syscall(SYS_gettid);
	pthread_barrier_wait(r->start);
	r->fn(r->v, r->arg);
	return NULL;
}

void run_threads(struct vcpu **vcpus, int n, void (*fn)(struct vcpu *v, void *arg), void *arg, int *tids)
{
	struct runner runners[MAX_VCPUS];
	pthread_barrier_t start;
	int i;

	/* All start together: what they race for is the point. */
	pthread_barrier_init(&start, NULL, n);
	for (i = 0; i < n; i++) {
		runners[i] = (struct runner){ .v = vcpus[i], .fn = fn, .arg = arg, .start = &start };
		if (pthread_create(&runners[i].thread, NULL, run, &runners[i]))
			bail_out("cannot create a thread");
	}
	for (i = 0; i < n; i++) {
		pthread_join(runners[i].thread, NULL);
		if (tids)
			tids[i] = runners[i].tid;
	}
	pthread_barrier_destroy(&start);
}
