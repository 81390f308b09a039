// What a machine would get, before it is plugged in.
import { ask } from "./api.js";
import { choice, clock, el, field } from "./dom.js";
import { words } from "./nextboot.js";
import { language, t } from "./words.js";

const FIRMWARE = ["", "bios", "x86-uefi", "x64-uefi", "x64-uefi-http", "arm32-uefi", "arm64-uefi", "arm64-uefi-http", "riscv64-uefi", "loong64-uefi"];

export function explainView(main) {
  const firmware = choice(t("firmware"), FIRMWARE.map((it) => [it, it || t("unknown")]), { value: "x64-uefi" });
  const [mac, relay] = [field(t("mac")), field(t("relay"))];
  const [userClass, vendorClass] = ["when.user-class", "when.vendor-class"].map((it) => field(t(it)));
  const ipxe = el("input", { type: "checkbox" });
  const answer = el("div", { role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    const value = (label) => label.querySelector("input, select").value.trim() || null;
    const asked = { arch: value(firmware), mac: value(mac), relay: value(relay), user_class: value(userClass), vendor_class: value(vendorClass), ipxe: ipxe.checked };
    try {
      const it = await ask("POST", "explain", asked);
      answer.replaceChildren(...[
        el("h2", {}, `${t("gets")}: ${t(`gets.${it.action}`, { target: it.target })}`),
        it.fault && el("p", { class: "trouble", lang: "en" }, el("strong", { lang: language }, t("but")), " ", it.fault),
        el("p", {}, t("takenFor", { firmware: it.firmware ?? t("unknown") })),
        it.next_boot && el("p", {}, t("next.order", { what: words(it.next_boot.what), at: clock(it.next_boot.given) })),
        it.note && el("p", { class: "soft", lang: "en" }, it.note),
        el("h2", {}, t("reasons")), el("ol", { lang: "en" }, it.reasons.map((reason) => el("li", {}, reason))),
        ...it.entries.map((entry) => el("p", { class: "soft" }, `${t(`kind.${entry.kind}`)} ${entry.number}: ${t(`origin.${entry.origin}`)}`))].filter(Boolean));
    } catch (error) {
      answer.replaceChildren(el("p", { class: "trouble", lang: "en" }, error.message));
    }
  };
  main.append(el("h1", {}, t("explain")),
    el("form", { class: "card", onsubmit: submit, "aria-label": t("describe") }, el("h2", {}, t("describe")),
      el("div", { class: "fields" }, firmware, mac, userClass, vendorClass, relay),
      el("label", { class: "line" }, ipxe, el("span", {}, t("ipxe"))),
      el("p", { class: "buttons" }, el("button", { class: "main" }, t("ask")))),
    answer);
}
