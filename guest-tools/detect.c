// SPDX-License-Identifier: GPL-2.0-or-later
#include "detect.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <asm/kvm_para.h>

/* The feature leaf of CPUID, and its bit that a hypervisor sets. */
#define CPUID_FEATURES		1
#define CPUID_HYPERVISOR_BIT	(1u << 31)

/*
 * With Hyper-V enlightenments KVM gives the first place to Hyper-V's signature
 * and moves its own one class up.
 */
#define HYPERV_SIGNATURE	"Microsoft Hv"
#define KVM_SECOND_SIGNATURE	(KVM_CPUID_SIGNATURE + 0x100)

/* Defined by neither vendor. */
#define UNDEFINED_REASON	0xffff

static const struct {
	const char *key;
	int status;
	const char *text;
} results[] = {
	[DETECTED_FULL] = { "full", 0, "VM-exit statistics, full ABI" },
	[DETECTED_UNKNOWN_VERSION] = { "unknown-version", 3,
		"VM-exit statistics, required leaves only as this program does not know the ABI" },
	[DETECTED_REQUIRED] = { "required-leaves", 3, "VM-exit statistics, required leaves only" },
	[DETECTED_OTHER_NUMBERING] = { "other-numbering", 4,
		"exit leaves in another numbering; their counters cannot be read" },
	[DETECTED_UNPATCHED] = { "unpatched-kvm", 5,
		"KVM without VM-exit statistics: an unpatched host, or kvm.exit_stats "
		"is off or for guest kernels only (then root sees them with --via-kernel)" },
	[DETECTED_OTHER_HYPERVISOR] = { "other-hypervisor", 6,
		"another hypervisor, without VM-exit statistics" },
	[DETECTED_NOT_VIRTUALISED] = { "not-virtualised", 7,
		"not virtualised, or by a hypervisor that hides" },
	[DETECTED_BLOCKED] = { "cpuid-blocked", 8,
		"CPUID is blocked: the operating system makes it fault in this process" },
};

/* A signature is 12 bytes in EBX, ECX and EDX, in this order. */
static void signature_bytes(const struct cpuid_regs *regs, char bytes[12])
{
	memcpy(bytes, &regs->ebx, 4);
	memcpy(bytes + 4, &regs->ecx, 4);
	memcpy(bytes + 8, &regs->edx, 4);
}

static bool has_signature(const struct cpuid_regs *regs, const char *signature)
{
	char bytes[12];

	signature_bytes(regs, bytes);
	return !memcmp(bytes, signature, sizeof(bytes));
}

static void format_signature(const struct cpuid_regs *regs, char *text)
{
	char bytes[12];
	int len = sizeof(bytes);

	signature_bytes(regs, bytes);
	while (len && !bytes[len - 1])
		len--;
	for (int i = 0; i < len; i++) {
		unsigned char c = bytes[i];

		/* ASCII by number: the locale plays no part. */
		if (c >= 0x20 && c < 0x7f && c != '\\')
			*text++ = c;
		else
			text += sprintf(text, "\\x%02x", c);
	}
	*text = '\0';
}

/*
 * Whose table of reasons the host uses: nested page faults are AMD's alone, so
 * an Intel host does not define their number.  The guest's CPU vendor would
 * not tell: a VMM can give a guest any.
 */
static int detect_vendor(struct source *src, struct detection *d)
{
	struct cpuid_regs regs;
	uint32_t reason;
	int err;

	reason_find(VENDOR_SVM, "NPF", &reason);
	err = source_read(src, KVM_EXIT_STATS_CPUID_REASON_COUNT, reason, &regs);
	if (err)
		return err;
	d->vendor = regs.edx == KVM_EXIT_STATS_UNDEFINED ? VENDOR_VMX : VENDOR_SVM;
	d->features = KVM_EXIT_STATS_FEATURE_REASONS;
	return 0;
}

static int detect_version(struct source *src, struct detection *d)
{
	struct cpuid_regs regs;
	int err;

	err = source_read(src, KVM_EXIT_STATS_CPUID_FEATURES, 0, &regs);
	if (err)
		return err;
	d->version = regs.eax;
	/* A new version changes meanings; only section 1's leaves never change. */
	if (regs.eax != KVM_EXIT_STATS_VERSION || regs.edx > VENDOR_SVM) {
		d->result = DETECTED_UNKNOWN_VERSION;
		return detect_vendor(src, d);
	}
	d->result = DETECTED_FULL;
	d->features = regs.ebx;
	d->tsc_khz = regs.ecx;
	d->vendor = regs.edx;
	if (!(d->features & KVM_EXIT_STATS_FEATURE_INSTANCE))
		return 0;

	err = source_read(src, KVM_EXIT_STATS_CPUID_INSTANCE, 0, &regs);
	if (err)
		return err;
	d->instance = regs.eax;
	d->vcpus = regs.ebx;
	return 0;
}

/* Without a signature: which leaves know that a reason is undefined? */
static int probe_required(struct source *src, struct detection *d)
{
	static const uint32_t leaves[4] = {
		KVM_EXIT_STATS_CPUID_TOTAL_COUNT,
		KVM_EXIT_STATS_CPUID_TOTAL_CYCLES,
		KVM_EXIT_STATS_CPUID_REASON_COUNT,
		KVM_EXIT_STATS_CPUID_REASON_CYCLES,
	};
	bool knows[4];

	for (int i = 0; i < 4; i++) {
		struct cpuid_regs regs;
		int err = source_read(src, leaves[i], UNDEFINED_REASON, &regs);

		if (err)
			return err;
		knows[i] = regs.edx == KVM_EXIT_STATS_UNDEFINED;
	}

	/*
	 * None: zeros, or the highest basic leaf's data.  All four as well: that
	 * data can be anything, and then it is the same for each leaf.
	 */
	if (knows[0] == knows[1] && knows[0] == knows[2] && knows[0] == knows[3])
		return 0;
	if (!knows[0] && !knows[1] && knows[2] && knows[3]) {
		d->result = DETECTED_REQUIRED;
		return detect_vendor(src, d);
	}
	/* The two public ones (first pair; third leaf alone), or one not seen yet. */
	d->result = DETECTED_OTHER_NUMBERING;
	return 0;
}

static int detect_steps(struct source *src, struct detection *d)
{
	struct cpuid_regs regs;
	int err;

	err = source_read(src, CPUID_FEATURES, 0, &regs);
	if (err)
		return err;
	if (!(regs.ecx & CPUID_HYPERVISOR_BIT)) {
		d->result = DETECTED_NOT_VIRTUALISED;
		return 0;
	}

	err = source_read(src, KVM_CPUID_SIGNATURE, 0, &regs);
	if (err)
		return err;
	format_signature(&regs, d->hypervisor);
	d->result = has_signature(&regs, KVM_SIGNATURE) ?
		    DETECTED_UNPATCHED : DETECTED_OTHER_HYPERVISOR;
	if (has_signature(&regs, HYPERV_SIGNATURE)) {
		err = source_read(src, KVM_SECOND_SIGNATURE, 0, &regs);
		if (err)
			return err;
		if (has_signature(&regs, KVM_SIGNATURE))
			d->result = DETECTED_UNPATCHED;
	}

	err = source_read(src, KVM_EXIT_STATS_CPUID_BASE, 0, &regs);
	if (err)
		return err;
	if (has_signature(&regs, KVM_EXIT_STATS_SIGNATURE))
		return detect_version(src, d);
	return probe_required(src, d);
}

int detect(struct source *src, struct detection *d)
{
	int err;

	*d = (struct detection){ 0 };
	err = detect_steps(src, d);
	if (err == -EACCES) {
		*d = (struct detection){ .result = DETECTED_BLOCKED };
		return 0;
	}
	return err;
}

bool has_counters(const struct detection *d)
{
	return d->result == DETECTED_FULL || d->result == DETECTED_UNKNOWN_VERSION ||
	       d->result == DETECTED_REQUIRED;
}

bool same_machine(const struct detection *a, const struct detection *b)
{
	/* Not the number of vCPUs: a vCPU that comes or goes restarts no counter. */
	return a->result == b->result && a->version == b->version &&
	       a->features == b->features && a->vendor == b->vendor &&
	       a->tsc_khz == b->tsc_khz && a->instance == b->instance;
}

int still_same_machine(struct source *src, const struct detection *d, bool *same)
{
	struct detection now;
	struct cpuid_regs regs;
	int err;

	if (!d->instance) {
		err = detect(src, &now);
		*same = !err && same_machine(d, &now);
		return err;
	}
	/* The id is random for each machine: it and the signature say all. */
	err = source_read(src, KVM_EXIT_STATS_CPUID_BASE, 0, &regs);
	if (err)
		return err;
	*same = has_signature(&regs, KVM_EXIT_STATS_SIGNATURE);
	if (!*same)
		return 0;
	err = source_read(src, KVM_EXIT_STATS_CPUID_INSTANCE, 0, &regs);
	*same = !err && regs.eax == d->instance;
	return err;
}

const char *detection_key(const struct detection *d)
{
	return results[d->result].key;
}

int detection_status(const struct detection *d)
{
	return results[d->result].status;
}

void detection_print(const struct detection *d, FILE *out)
{
	fputs(results[d->result].text, out);
	if (d->version)
		fprintf(out, ", version %" PRIu32, d->version);
	if (has_counters(d))
		fprintf(out, ", %s", vendor_title(d->vendor));
	if (d->vcpus)
		fprintf(out, ", %" PRIu32 " vCPU%s", d->vcpus, d->vcpus == 1 ? "" : "s");
	if (d->tsc_khz)
		fprintf(out, ", host TSC %" PRIu32 " kHz", d->tsc_khz);
	if (d->hypervisor[0])
		fprintf(out, " (hypervisor signature \"%s\")", d->hypervisor);
	fputc('\n', out);
}
