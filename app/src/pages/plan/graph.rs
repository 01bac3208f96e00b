//! A plan drawn like a session: waves side by side, steps by what they wait for.

use std::collections::BTreeSet;

use domain::{
    chart::{Item, layout},
    dto::Plan,
    planner::{PlannedSubtask, StepOverlap},
};
use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    format::count,
    pages::grid::{CARD, ROWS, band_box, corner, curve, size},
};

/// What is drawn of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The steps.
    pub steps: Vec<PlannedSubtask>,
    /// Where they would meet.
    pub overlaps: Vec<StepOverlap>,
}

impl Shape {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self { steps: plan.subtasks.clone(), overlaps: plan.overlaps.clone() }
    }

    /// The same with other numbers, each at the place of the one that it stands for.
    pub fn numbered(mut self, numbers: &[i32]) -> Self {
        let of = |step: i32| {
            usize::try_from(step).ok().and_then(|at| numbers.get(at)).copied().unwrap_or(step)
        };
        for step in &mut self.steps {
            step.step = of(step.step);
            step.depends_on = step.depends_on.iter().map(|on| of(*on)).collect();
        }
        for overlap in &mut self.overlaps {
            overlap.steps = overlap.steps.iter().map(|step| of(*step)).collect();
        }
        self
    }

    /// How many waves it has.
    pub fn waves(&self) -> usize {
        self.steps.iter().map(|step| step.wave).collect::<BTreeSet<_>>().len()
    }

    /// How many turns the steps may take together.
    pub fn turns(&self) -> i32 {
        self.steps.iter().map(|step| step.max_turns).sum()
    }
}

/// The drawing.
#[component]
pub fn PlanGraph(
    /// The plan.
    shape: RwSignal<Shape>,
) -> impl IntoView {
    let drawing = move || draw(&shape.read());
    view! {
        <div class="graph-region plan-region" role="region" aria-label="Waves of the plan" tabindex="0" data-testid="plan-graph">
            {drawing}
        </div>
    }
}

/// Plans are small, and change as a whole: they are drawn as a whole.
fn draw(shape: &Shape) -> impl IntoView + use<> {
    let id = |step: i32| Uuid::from_u128(u128::from(step.unsigned_abs()));
    let items: Vec<Item> = shape
        .steps
        .iter()
        .map(|step| Item {
            id: id(step.step),
            wave: step.wave,
            blocked_by: step.depends_on.iter().map(|on| id(*on)).collect(),
        })
        .collect();
    let plan = layout(&items, ROWS);
    let meeting: BTreeSet<i32> =
        shape.overlaps.iter().flat_map(|overlap| overlap.steps.iter().copied()).collect();
    let bands = plan.bands.iter().map(|band| {
        let ((x, y), (width, height)) = band_box(band);
        view! {
            <g class="band" data-testid="plan-wave" data-wave=band.wave>
                <rect class="band-ground" x=x y=y width=width height=height rx="8"/>
                <rect class="band-line" x=x y=y width=width height="3" rx="1.5"/>
                <text class="band-name" x=x + 10 y=y + 26>{format!("Wave {}", band.wave)}</text>
            </g>
        }
    });
    let at = |index: u32| plan.places.get(index as usize).map(corner);
    let links = plan.links.iter().filter_map(|link| {
        let path = curve(at(link.from)?, at(link.to)?);
        Some(view! { <path class="link" d=path/> })
    });
    let cards = plan.places.iter().filter_map(|spot| {
        let step = shape.steps.iter().find(|step| id(step.step) == spot.id)?;
        let (x, y) = corner(spot);
        Some(view! {
            <foreignObject x=x y=y width=CARD.0 height=CARD.1>
                {card(step, meeting.contains(&step.step))}
            </foreignObject>
        })
    });
    let (width, height) = size(&plan);
    view! {
        <svg class="graph" width=width height=height viewBox=format!("0 0 {width} {height}")>
            <g class="bands">{bands.collect_view()}</g>
            <g class="links" aria-hidden="true">{links.collect_view()}</g>
            <g class="cards">{cards.collect_view()}</g>
        </svg>
    }
}

/// A step; a link to what is said of it below.
fn card(step: &PlannedSubtask, meets: bool) -> impl IntoView + use<> {
    let turns = count(step.max_turns, "turn", "turns");
    view! {
        <a class="card" class:is-clashing=meets href=format!("#step-{}", step.step) rel="external" data-testid="step" title=step.description.clone()>
            <span class="card-head">
                <span class="num card-number">{format!("#{}", step.step)}</span>
                <bdi class="card-agent">{step.agent_type.clone()}</bdi>
                {meets.then(|| view! { <span class="card-warning" title="Meets another step"><span aria-hidden="true">"⚠"</span><span class="visually-hidden">"meets another step"</span></span> })}
                <span class="card-time num">{format!("{turns} · {}", step.model.as_str())}</span>
            </span>
            <span class="card-text" dir="auto">{step.description.clone()}</span>
        </a>
    }
}
