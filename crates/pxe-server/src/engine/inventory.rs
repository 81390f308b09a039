//! What an inventory says of machines, as far as it was asked: a bounded table, and the machines to ask about next.
//!
//! Nothing is asked here: the driver takes look-ups by `Engine::poll_lookup` and brings their answers.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use pxe_select::{Inventory, Target};

/// Machines whose answers are remembered; the one asked about longest ago makes room. At most 40 KiB each, usually
/// one.
pub const INVENTORY_MACHINES_MAX: usize = 4_096;
/// Machines to ask about next. Further ones are asked about when they speak again.
pub const LOOKUPS_QUEUED_MAX: usize = 1_024;
/// A look-up that was never answered is made again after this time.
const LOST_AFTER: Duration = Duration::from_secs(60);
/// An answer serves the files of a boot for so long; DHCP wants a fresh one.
const SERVES_FOR: Duration = Duration::from_secs(600);
/// An inventory that gave no answer may give one to the machine's next try.
const FAILURE_SERVES_FOR: Duration = Duration::from_secs(2);

/// What an inventory says of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryAnswer {
    /// It boots.
    Boots {
        /// The iPXE script that boots it.
        script: String,
        /// The same for loaders that read no script of iPXE, where it can be said to them.
        target: Option<Target>,
        /// The same in a few words.
        what: String,
    },
    /// It does not boot.
    Ignores {
        /// Why, in a few words.
        why: String,
        /// The inventory itself said so; else it gave no answer that can be used.
        said: bool,
    },
}

/// How an inventory is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InventorySettings {
    /// Answers younger than this are not asked for again.
    pub fresh_for: Duration,
}

/// Who asks what the inventory says: how old the answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WantedBy {
    /// DHCP, where a boot begins.
    Dhcp,
    /// The files of a boot, which goes on as its DHCP was answered.
    Files,
}

struct Machine {
    answer: Option<(Instant, Arc<InventoryAnswer>)>,
    asked: Option<Instant>,
    /// Key in the order.
    used: u64,
}

/// Everything that is known of an inventory's answers.
pub(super) struct Inventories {
    settings: InventorySettings,
    machines: HashMap<[u8; 6], Machine>,
    /// Machines by when they were asked about last.
    order: BTreeMap<u64, [u8; 6]>,
    clock: u64,
    queue: VecDeque<[u8; 6]>,
}

impl Inventories {
    pub(super) fn new(settings: InventorySettings) -> Self {
        Self {
            settings,
            machines: HashMap::new(),
            order: BTreeMap::new(),
            clock: 0,
            queue: VecDeque::new(),
        }
    }

    /// What is known of a machine; if that is nothing, or too old, it is asked for.
    pub(super) fn look_up(&mut self, now: Instant, mac: [u8; 6], wanted_by: WantedBy) -> Inventory {
        let fresh_for = match wanted_by {
            WantedBy::Dhcp => self.settings.fresh_for,
            WantedBy::Files => SERVES_FOR,
        };
        let machine = self.touch(mac);
        if let Some((when, answer)) = &machine.answer {
            let (found, serves_for) = match &**answer {
                InventoryAnswer::Boots { .. } => (Inventory::Boots, fresh_for),
                InventoryAnswer::Ignores { said: true, .. } => (Inventory::Ignores, fresh_for),
                InventoryAnswer::Ignores { said: false, .. } => {
                    (Inventory::Ignores, FAILURE_SERVES_FOR)
                }
            };
            // While a look-up is on its way, it is what counts.
            if machine.asked.is_none() && now.saturating_duration_since(*when) < serves_for {
                return found;
            }
        }
        let is_asked =
            machine.asked.is_some_and(|asked| now.saturating_duration_since(asked) < LOST_AFTER);
        if !is_asked {
            let has_room = self.queue.len() < LOOKUPS_QUEUED_MAX;
            if let Some(machine) = self.machines.get_mut(&mac) {
                machine.asked = has_room.then_some(now);
            }
            if has_room {
                self.queue.push_back(mac);
            }
        }
        Inventory::Asked
    }

    /// The next machine to ask about.
    pub(super) fn next(&mut self) -> Option<[u8; 6]> {
        self.queue.pop_front()
    }

    pub(super) fn answered(&mut self, now: Instant, mac: [u8; 6], answer: Arc<InventoryAnswer>) {
        let machine = self.touch(mac);
        machine.asked = None;
        machine.answer = Some((now, answer));
    }

    pub(super) fn answer(&self, mac: [u8; 6]) -> Option<Arc<InventoryAnswer>> {
        let (_, answer) = self.machines.get(&mac)?.answer.as_ref()?;
        Some(Arc::clone(answer))
    }

    fn touch(&mut self, mac: [u8; 6]) -> &mut Machine {
        self.clock += 1;
        let used = self.clock;
        if let Some(machine) = self.machines.get(&mac) {
            self.order.remove(&machine.used);
        } else if self.machines.len() >= INVENTORY_MACHINES_MAX
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.machines.remove(&oldest);
        }
        self.order.insert(used, mac);
        let machine =
            self.machines.entry(mac).or_insert(Machine { answer: None, asked: None, used });
        machine.used = used;
        machine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
    const FRESH: Duration = Duration::from_secs(10);

    fn inventories() -> Inventories {
        Inventories::new(InventorySettings { fresh_for: FRESH })
    }

    fn boots() -> Arc<InventoryAnswer> {
        Arc::new(InventoryAnswer::Boots {
            script: "#!ipxe\n".into(),
            target: None,
            what: "it".into(),
        })
    }

    fn ignores(said: bool) -> Arc<InventoryAnswer> {
        Arc::new(InventoryAnswer::Ignores { why: "why".into(), said })
    }

    #[test]
    fn a_machine_is_asked_about_once_until_the_answer_is_old() {
        let (mut known, start) = (inventories(), Instant::now());
        assert_eq!(known.look_up(start, MAC, WantedBy::Dhcp), Inventory::Asked);
        assert_eq!(known.look_up(start, MAC, WantedBy::Dhcp), Inventory::Asked);
        assert_eq!((known.next(), known.next()), (Some(MAC), None));
        known.answered(start, MAC, boots());
        assert_eq!(known.look_up(start + FRESH / 2, MAC, WantedBy::Dhcp), Inventory::Boots);
        // Files of the boot go on with the old answer, the next DHCP message asks anew.
        assert_eq!(known.look_up(start + 2 * FRESH, MAC, WantedBy::Files), Inventory::Boots);
        assert_eq!(known.look_up(start + 2 * FRESH, MAC, WantedBy::Dhcp), Inventory::Asked);
        assert_eq!(known.next(), Some(MAC));
        // One that got lost is made again.
        assert_eq!(
            known.look_up(start + 2 * FRESH + LOST_AFTER, MAC, WantedBy::Dhcp),
            Inventory::Asked
        );
        assert_eq!(known.next(), Some(MAC));
    }

    #[test]
    fn a_failure_is_forgotten_sooner_than_a_no() {
        let (mut known, start) = (inventories(), Instant::now());
        for (said, later) in [(true, Inventory::Ignores), (false, Inventory::Asked)] {
            known.answered(start, MAC, ignores(said));
            assert_eq!(known.look_up(start, MAC, WantedBy::Dhcp), Inventory::Ignores);
            assert_eq!(known.look_up(start + FAILURE_SERVES_FOR, MAC, WantedBy::Dhcp), later);
        }
    }

    #[test]
    fn what_grows_is_bounded() {
        let (mut known, start) = (inventories(), Instant::now());
        let mac = |number: u32| {
            let [a, b, c, d] = number.to_be_bytes();
            [2, 0, a, b, c, d]
        };
        let many = INVENTORY_MACHINES_MAX as u32 + 10;
        for number in 0..many {
            assert_eq!(known.look_up(start, mac(number), WantedBy::Dhcp), Inventory::Asked);
        }
        assert_eq!(known.machines.len(), INVENTORY_MACHINES_MAX);
        assert_eq!(known.order.len(), INVENTORY_MACHINES_MAX);
        assert_eq!(known.queue.len(), LOOKUPS_QUEUED_MAX);
        // One that found no room asks again as soon as there is some.
        while known.next().is_some() {}
        known.look_up(start, mac(many - 1), WantedBy::Dhcp);
        assert_eq!(known.next(), Some(mac(many - 1)));
    }
}
