//! What can be filled in where a thread says `{order}` and the like.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Name,
    First,
    Agent,
    Order,
    Track,
    Invoice,
    Batch,
    Amount,
    Fee,
    Voucher,
    Date,
    Due,
    Days,
    Quantity,
    Size,
    OtherSize,
    Wear,
    OtherWear,
    Goods(&'static Goods),
}

/// A kind of goods the shop sells. The names need no translation and no article.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Goods {
    slot: &'static str,
    pub(super) prices: (u32, u32),
    pub(super) names: &'static [&'static str],
}

#[rustfmt::skip] // one line a kind is a table one can read
pub(super) static GOODS: [Goods; 11] = [
    Goods { slot: "tent", prices: (190, 520), names: &["Ridge 2", "Ridge 3", "Fellside 4", "Tarn 1", "Solstice 3", "Cairn 2", "Skerry 2"] },
    Goods { slot: "jacket", prices: (120, 380), names: &["Skarv", "Norr Shell", "Drizzle Pro", "Windhover", "Alder Down", "Gale 3L", "Kestrel"] },
    Goods { slot: "boots", prices: (110, 260), names: &["Scree Mid", "Moraine High", "Trailhead Low", "Bergen Mid", "Fjell 40", "Causeway"] },
    Goods { slot: "pack", prices: (80, 260), names: &["Carry 45", "Haul 65", "Daybreak 22", "Skye 38", "Porter 55"] },
    Goods { slot: "stove", prices: (45, 160), names: &["Nova", "Nova Duo", "Ember 1", "Ember 2", "Hearth Alpine"] },
    Goods { slot: "bag", prices: (110, 420), names: &["Dormouse 0", "Dormouse −7", "Hollow 300", "Hollow 500", "Larkrise"] },
    Goods { slot: "mat", prices: (60, 180), names: &["Loft 5", "Loft 7", "Featherbed XL", "Drift Light"] },
    Goods { slot: "lamp", prices: (25, 90), names: &["Beacon 350", "Beacon 600", "Glow 200", "Owl R"] },
    Goods { slot: "bottle", prices: (25, 60), names: &["Brook 1L", "Brook 0.6L", "Spring Filter"] },
    Goods { slot: "trousers", prices: (70, 150), names: &["Heath", "Heath Zip-off", "Crag Stretch", "Moor Rain"] },
    Goods { slot: "poles", prices: (40, 140), names: &["Stride Carbon", "Stride Alu", "Trek Fold"] },
];

pub(super) const WEAR: [&str; 5] = ["S", "M", "L", "XL", "XXL"];

impl Slot {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "first" => Self::First,
            "agent" => Self::Agent,
            "order" => Self::Order,
            "track" => Self::Track,
            "invoice" => Self::Invoice,
            "batch" => Self::Batch,
            "amount" => Self::Amount,
            "fee" => Self::Fee,
            "voucher" => Self::Voucher,
            "date" => Self::Date,
            "due" => Self::Due,
            "days" => Self::Days,
            "qty" => Self::Quantity,
            "size" => Self::Size,
            "size2" => Self::OtherSize,
            "wear" => Self::Wear,
            "wear2" => Self::OtherWear,
            _ => Self::Goods(GOODS.iter().find(|goods| goods.slot == name)?),
        })
    }
}
