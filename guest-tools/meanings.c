// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers and names of the reasons are the kernel's; here is only what they mean.
 * Intel renumbers its chapters with nearly every edition, so its sections go by
 * their titles; AMD's numbers are those of APM volume 2 (24593), chapter 15.
 */
#include "meanings.h"

struct meaning {
	uint32_t first, last;
	const char *text;
	const char *manual;
};

/* Sections of SDM volume 3. */
#define ALWAYS		"Instructions That Cause VM Exits Unconditionally"
#define CONDITIONAL	"Instructions That Cause VM Exits Conditionally"
#define OTHER		"Other Causes of VM Exits"
#define ENTRY		"VM-Entry Failures"
#define APIC		"APIC Virtualization and Virtual Interrupts"
#define TIMER		"VMX-Preemption Timer"
#define TRANSLATION	"The Extended Page Table Mechanism (EPT)"
#define VMFUNCTIONS	"VM Functions"
#define SMM		"System Management Mode"
#define TDX		"Trust Domain Instructions (TDX)"

static const struct meaning vmx[] = {
	{ 0, 0, "an exception that the hypervisor intercepts, or an NMI", OTHER },
	{ 1, 1, "an interrupt for the host arrived", OTHER },
	{ 2, 2, "triple fault: the guest resets", OTHER },
	{ 3, 3, "an INIT signal arrived", OTHER },
	{ 4, 4, "a start-up IPI arrived for a vCPU that waits for it", OTHER },
	{ 5, 5, "an SMI arrived right after an I/O instruction", SMM },
	{ 6, 6, "any other SMI", SMM },
	{ 7, 7, "the guest can take interrupts again, one is waiting for it", OTHER },
	{ 8, 8, "the guest can take NMIs again, one is waiting for it", OTHER },
	{ 9, 9, "the guest switched tasks by hardware", ALWAYS },
	{ 10, 10, "CPUID instruction", ALWAYS },
	{ 11, 11, "GETSEC instruction", ALWAYS },
	{ 12, 12, "HLT: the guest has nothing to do", CONDITIONAL },
	{ 13, 13, "INVD: caches invalidated", ALWAYS },
	{ 14, 14, "INVLPG: a TLB entry invalidated", CONDITIONAL },
	{ 15, 15, "RDPMC: a performance counter read", CONDITIONAL },
	{ 16, 16, "RDTSC: the time-stamp counter read", CONDITIONAL },
	{ 17, 17, "RSM: return from system management mode", CONDITIONAL },
	{ 18, 18, "VMCALL: hypercall", ALWAYS },
	{ 19, 19, "VMCLEAR by a nested hypervisor", ALWAYS },
	{ 20, 20, "VMLAUNCH by a nested hypervisor", ALWAYS },
	{ 21, 21, "VMPTRLD by a nested hypervisor", ALWAYS },
	{ 22, 22, "VMPTRST by a nested hypervisor", ALWAYS },
	{ 23, 23, "VMREAD by a nested hypervisor", CONDITIONAL },
	{ 24, 24, "VMRESUME by a nested hypervisor", ALWAYS },
	{ 25, 25, "VMWRITE by a nested hypervisor", CONDITIONAL },
	{ 26, 26, "VMXOFF by a nested hypervisor", ALWAYS },
	{ 27, 27, "VMXON by a nested hypervisor", ALWAYS },
	{ 28, 28, "a control register written or read", CONDITIONAL },
	{ 29, 29, "a debug register written or read", CONDITIONAL },
	{ 30, 30, "port I/O: emulated devices", CONDITIONAL },
	{ 31, 31, "RDMSR: a model-specific register read", CONDITIONAL },
	{ 32, 32, "WRMSR: a model-specific register written, timers and IPIs among them", CONDITIONAL },
	{ 33, 33, "VM entry failed: invalid guest state", ENTRY },
	{ 34, 34, "VM entry failed: loading an MSR", ENTRY },
	{ 36, 36, "MWAIT instruction", CONDITIONAL },
	{ 37, 37, "single step by the hypervisor's trap flag", "Monitor Trap Flag" },
	{ 39, 39, "MONITOR instruction", CONDITIONAL },
	{ 40, 40, "PAUSE: the guest spins for a lock", CONDITIONAL },
	{ 41, 41, "VM entry failed: machine check", ENTRY },
	{ 43, 43, "the guest lowered its task priority below the threshold", APIC },
	{ 44, 44, "an access to the page of the local APIC", APIC },
	{ 45, 45, "end of an interrupt that the hypervisor wants to know about", APIC },
	{ 46, 46, "LGDT, LIDT, SGDT or SIDT", CONDITIONAL },
	{ 47, 47, "LLDT, LTR, SLDT or STR", CONDITIONAL },
	{ 48, 48, "memory that is not there yet or may not be accessed so", TRANSLATION },
	{ 49, 49, "memory of an emulated device: MMIO", TRANSLATION },
	{ 50, 50, "INVEPT by a nested hypervisor", ALWAYS },
	{ 51, 51, "RDTSCP: the time-stamp counter read", CONDITIONAL },
	{ 52, 52, "the hypervisor's timer for this guest ran out", TIMER },
	{ 53, 53, "INVVPID by a nested hypervisor", ALWAYS },
	{ 54, 54, "WBINVD or WBNOINVD: caches written back", CONDITIONAL },
	{ 55, 55, "XSETBV: extended states switched on or off", ALWAYS },
	{ 56, 56, "a write to the local APIC that hardware left to the hypervisor", APIC },
	{ 57, 57, "RDRAND instruction", CONDITIONAL },
	{ 58, 58, "INVPCID: TLB entries invalidated", CONDITIONAL },
	{ 59, 59, "VMFUNC that failed or is not enabled", VMFUNCTIONS },
	{ 60, 60, "ENCLS: SGX by the guest's kernel", CONDITIONAL },
	{ 61, 61, "RDSEED instruction", CONDITIONAL },
	{ 62, 62, "the log of written pages is full: dirty tracking, migration", TRANSLATION },
	{ 63, 63, "XSAVES instruction", CONDITIONAL },
	{ 64, 64, "XRSTORS instruction", CONDITIONAL },
	{ 65, 65, "PCONFIG instruction", CONDITIONAL },
	{ 66, 66, "sub-page write permissions: a miss or a misconfiguration", TRANSLATION },
	{ 67, 67, "UMWAIT instruction", CONDITIONAL },
	{ 68, 68, "TPAUSE instruction", CONDITIONAL },
	{ 69, 69, "LOADIWKEY instruction", CONDITIONAL },
	{ 70, 70, "ENCLV instruction", CONDITIONAL },
	{ 72, 72, "ENQCMD whose PASID could not be translated", CONDITIONAL },
	{ 73, 73, "ENQCMDS whose PASID could not be translated", CONDITIONAL },
	{ 74, 74, "an instruction locked the bus", OTHER },
	{ 75, 75, "no chance to interrupt the guest for too long", OTHER },
	{ 76, 76, "SEAMCALL instruction", TDX },
	{ 77, 77, "TDCALL instruction", TDX },
	{ 78, 78, "RDMSRLIST: many MSRs read", CONDITIONAL },
	{ 79, 79, "WRMSRLIST: many MSRs written", CONDITIONAL },
};

/* Sections of APM volume 2. */
#define INSTRUCTIONS	"15.9 Instruction Intercepts"
#define INTERRUPTS	"15.13 Interrupt Intercepts"
#define MISCELLANEOUS	"15.14 Miscellaneous Intercepts"
#define AVIC		"15.29 Advanced Virtual Interrupt Controller"
#define SEV_ES		"15.35 Encrypted State (SEV-ES)"

static const struct meaning svm[] = {
	{ 0x000, 0x00f, "a control register read", INSTRUCTIONS },
	{ 0x010, 0x01f, "a control register written", INSTRUCTIONS },
	{ 0x020, 0x02f, "a debug register read", INSTRUCTIONS },
	{ 0x030, 0x03f, "a debug register written", INSTRUCTIONS },
	{ 0x040, 0x05f, "an exception that the hypervisor intercepts, by vector",
		"15.12 Exception Intercepts" },
	{ 0x060, 0x060, "an interrupt for the host arrived", INTERRUPTS },
	{ 0x061, 0x061, "an NMI for the host arrived", INTERRUPTS },
	{ 0x062, 0x062, "an SMI arrived", INTERRUPTS },
	{ 0x063, 0x063, "an INIT signal arrived", INTERRUPTS },
	{ 0x064, 0x064, "the guest can take interrupts again, one is waiting for it", INTERRUPTS },
	{ 0x065, 0x065, "CR0 written, other bits than TS and MP", INSTRUCTIONS },
	{ 0x066, 0x066, "SIDT instruction", INSTRUCTIONS },
	{ 0x067, 0x067, "SGDT instruction", INSTRUCTIONS },
	{ 0x068, 0x068, "SLDT instruction", INSTRUCTIONS },
	{ 0x069, 0x069, "STR instruction", INSTRUCTIONS },
	{ 0x06a, 0x06a, "LIDT instruction", INSTRUCTIONS },
	{ 0x06b, 0x06b, "LGDT instruction", INSTRUCTIONS },
	{ 0x06c, 0x06c, "LLDT instruction", INSTRUCTIONS },
	{ 0x06d, 0x06d, "LTR instruction", INSTRUCTIONS },
	{ 0x06e, 0x06e, "RDTSC: the time-stamp counter read", INSTRUCTIONS },
	{ 0x06f, 0x06f, "RDPMC: a performance counter read", INSTRUCTIONS },
	{ 0x070, 0x070, "PUSHF instruction", INSTRUCTIONS },
	{ 0x071, 0x071, "POPF instruction", INSTRUCTIONS },
	{ 0x072, 0x072, "CPUID instruction", INSTRUCTIONS },
	{ 0x073, 0x073, "RSM: return from system management mode", INSTRUCTIONS },
	{ 0x074, 0x074, "IRET: end of an interrupt or NMI", INSTRUCTIONS },
	{ 0x075, 0x075, "INT n: software interrupt", INSTRUCTIONS },
	{ 0x076, 0x076, "INVD: caches invalidated", INSTRUCTIONS },
	{ 0x077, 0x077, "PAUSE: the guest spins for a lock", INSTRUCTIONS },
	{ 0x078, 0x078, "HLT: the guest has nothing to do", INSTRUCTIONS },
	{ 0x079, 0x079, "INVLPG: a TLB entry invalidated", INSTRUCTIONS },
	{ 0x07a, 0x07a, "INVLPGA instruction", INSTRUCTIONS },
	{ 0x07b, 0x07b, "port I/O: emulated devices", "15.10 IOIO Intercepts" },
	{ 0x07c, 0x07c, "RDMSR or WRMSR: a model-specific register, timers and IPIs among them",
		"15.11 MSR Intercepts" },
	{ 0x07d, 0x07d, "the guest switched tasks by hardware", MISCELLANEOUS },
	{ 0x07e, 0x07e, "legacy floating-point error handling", MISCELLANEOUS },
	{ 0x07f, 0x07f, "triple fault: the guest resets", MISCELLANEOUS },
	{ 0x080, 0x080, "VMRUN by a nested hypervisor", INSTRUCTIONS },
	{ 0x081, 0x081, "VMMCALL: hypercall", "15.18 VMMCALL Instruction" },
	{ 0x082, 0x082, "VMLOAD by a nested hypervisor", INSTRUCTIONS },
	{ 0x083, 0x083, "VMSAVE by a nested hypervisor", INSTRUCTIONS },
	{ 0x084, 0x084, "STGI by a nested hypervisor", INSTRUCTIONS },
	{ 0x085, 0x085, "CLGI by a nested hypervisor", INSTRUCTIONS },
	{ 0x086, 0x086, "SKINIT instruction", INSTRUCTIONS },
	{ 0x087, 0x087, "RDTSCP: the time-stamp counter read", INSTRUCTIONS },
	{ 0x088, 0x088, "ICEBP (INT1) instruction", INSTRUCTIONS },
	{ 0x089, 0x089, "WBINVD or WBNOINVD: caches written back", INSTRUCTIONS },
	{ 0x08a, 0x08a, "MONITOR or MONITORX instruction", INSTRUCTIONS },
	{ 0x08b, 0x08b, "MWAIT or MWAITX instruction", INSTRUCTIONS },
	{ 0x08c, 0x08c, "MWAIT or MWAITX while the monitor is armed", INSTRUCTIONS },
	{ 0x08d, 0x08d, "XSETBV: extended states switched on or off", INSTRUCTIONS },
	{ 0x08e, 0x08e, "RDPRU: a processor register read", INSTRUCTIONS },
	{ 0x08f, 0x08f, "after a write to EFER", SEV_ES },
	{ 0x090, 0x09f, "after a write to a control register", SEV_ES },
	{ 0x0a0, 0x0a0, "INVLPGB: TLB entries invalidated on all processors", INSTRUCTIONS },
	{ 0x0a1, 0x0a1, "INVLPGB with an illegal operand", INSTRUCTIONS },
	{ 0x0a2, 0x0a2, "INVPCID: TLB entries invalidated", INSTRUCTIONS },
	{ 0x0a3, 0x0a3, "MCOMMIT instruction", INSTRUCTIONS },
	{ 0x0a4, 0x0a4, "TLBSYNC instruction", INSTRUCTIONS },
	{ 0x0a5, 0x0a5, "an instruction locked the bus", MISCELLANEOUS },
	{ 0x0a6, 0x0a6, "HLT without a virtual interrupt waiting", INSTRUCTIONS },
	{ 0x400, 0x400, "nested page fault: memory not there yet, protected, or an emulated device's",
		"15.25 Nested Paging" },
	{ 0x401, 0x401, "an IPI that hardware could not deliver alone", AVIC },
	{ 0x402, 0x402, "an access to the local APIC that hardware left to the hypervisor", AVIC },
	{ 0x403, 0x403, "VMGEXIT: a call by an encrypted guest", SEV_ES },
	{ 0xffffffff, 0xffffffff, "VM entry failed: invalid guest state", "15.5 VMRUN Instruction" },
};

#define NR(array) (sizeof(array) / sizeof(*(array)))

const char *reason_meaning(enum vendor vendor, uint32_t reason, const char **manual)
{
	const struct meaning *list = vendor == VENDOR_VMX ? vmx : svm;
	size_t nr = vendor == VENDOR_VMX ? NR(vmx) : NR(svm);

	for (size_t i = 0; i < nr; i++) {
		if (reason < list[i].first || reason > list[i].last)
			continue;
		if (manual)
			*manual = list[i].manual;
		return list[i].text;
	}
	return NULL;
}
